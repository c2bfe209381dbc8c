package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.Any;
import com.google.protobuf.util.Durations;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jdbi.v3.core.ConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.event.Level;

/** {@code StatusMapper} is the table of errors; here is each of its rows. */
class StatusMapperTest {
  private final StatusMapper mapper = new StatusMapper("reward-server");

  static Stream<Arguments> rows() {
    return Stream.of(
        arguments(Fault.MALFORMED_REQUEST, Status.Code.INVALID_ARGUMENT, Level.DEBUG),
        arguments(Fault.UNKNOWN_MODEL, Status.Code.NOT_FOUND, Level.DEBUG),
        arguments(Fault.UNKNOWN_RESOURCE, Status.Code.NOT_FOUND, Level.DEBUG),
        arguments(Fault.ALREADY_EXISTS, Status.Code.ALREADY_EXISTS, Level.DEBUG),
        arguments(Fault.VERSION_CONFLICT, Status.Code.ABORTED, Level.DEBUG),
        arguments(Fault.UNAUTHENTICATED, Status.Code.UNAUTHENTICATED, Level.DEBUG),
        arguments(Fault.FORBIDDEN, Status.Code.PERMISSION_DENIED, Level.WARN),
        arguments(Fault.SAFETY_GATE_CLOSED, Status.Code.FAILED_PRECONDITION, Level.INFO),
        arguments(Fault.PRECONDITION_FAILED, Status.Code.FAILED_PRECONDITION, Level.DEBUG),
        arguments(Fault.OVERLOADED, Status.Code.RESOURCE_EXHAUSTED, Level.TRACE),
        arguments(Fault.TIMED_OUT, Status.Code.UNAVAILABLE, Level.DEBUG),
        arguments(Fault.MODEL_LOADING, Status.Code.UNAVAILABLE, Level.WARN),
        arguments(Fault.DEPENDENCY_DOWN, Status.Code.UNAVAILABLE, Level.WARN),
        arguments(Fault.DEPENDENCY_BROKEN, Status.Code.INTERNAL, Level.ERROR),
        arguments(Fault.CORRUPT_WEIGHTS, Status.Code.DATA_LOSS, Level.ERROR),
        arguments(Fault.NOT_IMPLEMENTED, Status.Code.UNIMPLEMENTED, Level.DEBUG));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void everyFaultHasItsCodeAndLevel(Fault fault, Status.Code code, Level level) {
    StatusMapper.Judgement judgement = mapper.judge(new MeshException(fault, "what happened"));
    assertThat(judgement.answer().getStatus().getCode()).isEqualTo(code);
    assertThat(judgement.answer().getStatus().getDescription()).isEqualTo("what happened");
    assertThat(judgement.level()).isEqualTo(level);
    assertThat(judgement.fault()).isEqualTo(fault);
  }

  @Test
  void noFaultIsLeftOutOfTheTable() {
    assertThat(rows().map(row -> row.get()[0]))
        .containsExactlyInAnyOrder((Object[]) Fault.values());
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void everyFaultIsNamedForMachines(Fault fault) throws Exception {
    ErrorInfo info =
        detail(
            mapper.judge(new MeshException(fault, "limit 8", Map.of("limit", "8"))).answer(),
            ErrorInfo.class);
    assertThat(info.getReason()).isEqualTo(fault.name());
    assertThat(info.getDomain()).isEqualTo("reward-server");
    assertThat(info.getMetadataMap()).containsExactly(Map.entry("limit", "8"));
  }

  @Test
  void whatIsShortStaysWhole() {
    String whole = "known: " + "key, ".repeat(300);
    assertThat(mapper.judge(new MeshException(Fault.MALFORMED_REQUEST, whole)).answer())
        .hasMessage("INVALID_ARGUMENT: " + whole);
  }

  @Test
  void whoIsRefusedForLoadIsToldWhenToComeBack() throws Exception {
    RetryInfo retry =
        detail(mapper.judge(new MeshException(Fault.OVERLOADED, "busy")).answer(), RetryInfo.class);
    assertThat(Durations.toMillis(retry.getRetryDelay())).isBetween(1_000L, 1_500L);
  }

  @Test
  void whoRefusesAndKnowsWhenIsBelievedAndChanceAddsUpToHalf() throws Exception {
    MeshException busy =
        new MeshException(Fault.OVERLOADED, "busy", Map.of(MeshException.RETRY_DELAY, "PT0.2S"));
    assertThat(delayMillis(new StatusMapper("test", () -> 0L), busy)).isEqualTo(200);
    // nextDouble of 2⁶³ is one half: 200 ms and half of a half of them
    assertThat(delayMillis(new StatusMapper("test", () -> 1L << 63), busy)).isEqualTo(250);
  }

  @Test
  void aDelayIsNeitherNothingNorForEver() throws Exception {
    StatusMapper exact = new StatusMapper("test", () -> 0L);
    MeshException soon =
        new MeshException(Fault.OVERLOADED, "busy", Map.of(MeshException.RETRY_DELAY, "PT-1S"));
    MeshException never =
        new MeshException(
            Fault.OVERLOADED, "busy", Map.of(MeshException.RETRY_DELAY, "PT315576000000S"));
    assertThat(delayMillis(exact, soon)).isEqualTo(10);
    assertThat(delayMillis(exact, never)).isEqualTo(30_000);
  }

  private static long delayMillis(StatusMapper mapper, MeshException busy) throws Exception {
    return Durations.toMillis(detail(mapper.judge(busy).answer(), RetryInfo.class).getRetryDelay());
  }

  @Test
  void whoMeetsADatabaseThatIsAwayIsToldWhenToComeBack() throws Exception {
    SQLException refused = new SQLException("connection refused", "08001");
    RetryInfo retry =
        detail(mapper.judge(new ConnectionException(refused)).answer(), RetryInfo.class);
    assertThat(retry.hasRetryDelay()).isTrue();
  }

  @Test
  void aDatabaseThatIsAwayIsADependencyThatIsDown() {
    SQLException refused = new SQLException("connection refused", "08001");
    assertThat(mapper.judge(new ConnectionException(refused)).fault())
        .isEqualTo(Fault.DEPENDENCY_DOWN);
    for (String state : List.of("57P01", "25P03")) {
      assertThat(mapper.judge(new RuntimeException(new SQLException("gone", state))).fault())
          .isEqualTo(Fault.DEPENDENCY_DOWN);
    }
  }

  @Test
  void aWrongStatementIsABugAndNotADatabaseThatIsAway() {
    assertThat(mapper.judge(new RuntimeException(new SQLException("syntax", "42601"))).isBug())
        .isTrue();
  }

  @Test
  void aBugKeepsItsMessageToItself() {
    StatusMapper.Judgement judgement =
        mapper.judge(new IllegalArgumentException("secret of tenant 7"));
    assertThat(judgement.isBug()).isTrue();
    assertThat(judgement.level()).isEqualTo(Level.ERROR);
    assertThat(judgement.answer().getStatus().getDescription()).doesNotContain("secret");
  }

  @Test
  void aCallerThatLeftGetsCancelledWhateverWasThrown() {
    Context.CancellableContext left = Context.ROOT.withCancellation();
    left.cancel(null);
    StatusMapper.Judgement judgement = mapper.judge(new IllegalStateException("interrupted"), left);
    assertThat(judgement.answer().getStatus().getCode()).isEqualTo(Status.Code.CANCELLED);
    assertThat(judgement.level()).isEqualTo(Level.DEBUG);
  }

  @Test
  void aDeadlineThatPassedStaysOne() {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try (Context.CancellableContext late =
        Context.ROOT.withDeadline(Deadline.after(-1, TimeUnit.SECONDS), timer)) {
      assertThat(mapper.judge(new IllegalStateException("x"), late).answer().getStatus().getCode())
          .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void aPeerThatCallsOurRequestMalformedIsABugOfOursNotOfOurCaller() {
    StatusRuntimeException peer =
        Status.INVALID_ARGUMENT.withDescription("items is empty").asRuntimeException();
    assertThat(mapper.judge(peer).fault()).isEqualTo(Fault.DEPENDENCY_BROKEN);
  }

  @Test
  void whatAPeerSaysOfItsOwnThingsKeepsItsName() {
    StatusRuntimeException peer =
        mapper.judge(new MeshException(Fault.VERSION_CONFLICT, "moved on")).answer();
    assertThat(mapper.judge(peer).fault()).isEqualTo(Fault.VERSION_CONFLICT);
  }

  @Test
  void aPeerThatIsAwayOrLateIsDown() {
    assertThat(mapper.judge(Status.UNAVAILABLE.asRuntimeException()).fault())
        .isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(mapper.judge(Status.DEADLINE_EXCEEDED.asRuntimeException()).fault())
        .isEqualTo(Fault.DEPENDENCY_DOWN);
  }

  private static <M extends com.google.protobuf.Message> M detail(
      StatusRuntimeException answer, Class<M> type) throws Exception {
    com.google.rpc.Status status = StatusProto.fromThrowable(answer);
    if (status == null) {
      throw new AssertionError("no details in " + answer);
    }
    for (Any any : status.getDetailsList()) {
      if (any.is(type)) {
        return any.unpack(type);
      }
    }
    throw new AssertionError("no " + type.getSimpleName() + " in " + status);
  }
}
