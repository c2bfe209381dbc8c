package io.ballast.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a refused call says of another attempt. */
class RefusalTest {
  @Test
  void aBusyMeshSaysWhen() {
    Throwable busy =
        StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                .setMessage("reward models are busy")
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("OVERLOADED").build()))
                .addDetails(
                    Any.pack(
                        RetryInfo.newBuilder()
                            .setRetryDelay(
                                com.google.protobuf.Duration.newBuilder()
                                    .setSeconds(1)
                                    .setNanos(500_000_000))
                            .build()))
                .build());
    assertThat(Refusal.of(busy))
        .isEqualTo(
            new Refusal(
                Status.Code.RESOURCE_EXHAUSTED,
                "reward models are busy",
                Duration.ofMillis(1_500),
                true));
    assertThat(Refusal.of(busy).reason()).isEqualTo("OVERLOADED");
  }

  @Test
  void aMessageThatIsTooLongStaysSo() {
    Throwable tooLong =
        Status.RESOURCE_EXHAUSTED
            .withDescription("gRPC message exceeds maximum size 4194304: 5000000")
            .asRuntimeException();
    assertThat(Refusal.of(tooLong).mayPass()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"UNAVAILABLE", "DEADLINE_EXCEEDED"})
  void whatMayPass(Status.Code code) {
    assertThat(Refusal.of(code.toStatus().asRuntimeException()).mayPass()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "INTERNAL",
        "DATA_LOSS"
      })
  void whatDoesNot(Status.Code code) {
    assertThat(Refusal.of(code.toStatus().asRuntimeException()).mayPass()).isFalse();
  }
}
