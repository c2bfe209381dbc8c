package io.ballast.standalone.demo.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A call that found no room is made again when the mesh said; any other failure is one. */
class PatientCallsTest {
  private static StatusRuntimeException refusal(Fault fault) {
    return new StatusMapper("policy")
        .judge(
            new MeshException(fault, "as it is", Map.of(MeshException.RETRY_DELAY, "PT0.01S")),
            Context.ROOT)
        .answer();
  }

  @Test
  void aRefusedCallIsMadeUntilItIsLetIn() {
    AtomicInteger calls = new AtomicInteger();

    String answer =
        PatientCalls.make(
            () -> {
              if (calls.incrementAndGet() < 9) {
                throw refusal(Fault.OVERLOADED);
              }
              return "done";
            });

    assertThat(answer).isEqualTo("done");
    assertThat(calls).hasValue(9);
  }

  @Test
  void aMeshThatLetsNobodyInIsLeftInTheEnd() {
    AtomicInteger calls = new AtomicInteger();

    assertThatThrownBy(
            () ->
                PatientCalls.make(
                    () -> {
                      calls.incrementAndGet();
                      throw refusal(Fault.OVERLOADED);
                    }))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            thrown ->
                assertThat(thrown.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    assertThat(calls).hasValue(PatientCalls.MOST_TRIES);
  }

  static Stream<StatusRuntimeException> whatNoWaitingMendsFailsAtOnce() {
    return Stream.of(
        refusal(Fault.UNKNOWN_MODEL),
        Status.RESOURCE_EXHAUSTED
            .withDescription("gRPC message exceeds maximum size 16777216: 16777217")
            .asRuntimeException());
  }

  @ParameterizedTest
  @MethodSource
  void whatNoWaitingMendsFailsAtOnce(StatusRuntimeException failure) {
    AtomicInteger calls = new AtomicInteger();

    assertThatThrownBy(
            () ->
                PatientCalls.make(
                    () -> {
                      calls.incrementAndGet();
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThat(calls).hasValue(1);
  }
}
