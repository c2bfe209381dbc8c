package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import io.ballast.testing.FaultProxy.Cut;
import io.ballast.testing.FaultProxy.Down;
import io.ballast.testing.FaultProxy.Latency;
import io.ballast.testing.FaultProxy.Silence;
import io.ballast.testing.FaultProxy.Stall;
import io.ballast.testing.FaultProxy.Toxic;
import io.ballast.testing.FaultProxy.Trickle;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A peer behind a bad network: every call ends in time and typed, none with a wrong answer; the
 * breaker opens, and when the fault is over calls succeed again.
 */
@Timeout(60)
class PeerThroughFaultsTest {
  private static final int WINDOW = 4;
  private static final Duration CALL = Duration.ofMillis(400);
  private static final Duration OPEN = Duration.ofSeconds(2);
  private static final PeerSettings SETTINGS =
      new PeerSettings(CALL, 64, 50, WINDOW, OPEN, 1 << 20);

  /** The longest of a call, with what a busy machine adds. */
  private static final Duration LONGEST_CALL = CALL.plusMillis(1_500);

  private static final Duration LONGEST_RECOVERY = Duration.ofSeconds(5);

  private final AtomicLong nanos = new AtomicLong();
  private final InstantSource clock = () -> Instant.EPOCH.plusNanos(nanos.get());
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final AtomicInteger calls = new AtomicInteger();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 100);
  private MeshServer server;
  private FaultProxy proxy;
  private PeerChannel channel;
  private RewardServiceGrpc.RewardServiceBlockingStub peer;

  /** A score is the number of its completion's characters, so that a wrong one is seen. */
  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      calls.incrementAndGet();
      replies.unary(
          observer,
          () ->
              ScoreResponse.newBuilder()
                  .addResults(
                      ScoreResult.newBuilder()
                          .setValue(request.getItems(0).getCompletion().getText().length()))
                  .build());
    }

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      calls.incrementAndGet();
      proxy.reset();
      replies.unary(observer, ListRewardModelsResponse::getDefaultInstance);
    }
  }

  @BeforeEach
  void start() {
    server =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            List.of(new Rewards()),
            meters,
            OpenTelemetry.noop(),
            System::nanoTime);
    proxy = FaultProxy.to(server.port(), 5);
    channel =
        PeerChannel.open(
            List.of("127.0.0.1:" + proxy.port()),
            new PeerGuard("peer", SETTINGS, clock, nanos::get, meters),
            SETTINGS,
            Optional.empty(),
            OpenTelemetry.noop());
    channel.connect();
    Await.until(channel::isConnected);
    peer = RewardServiceGrpc.newBlockingStub(channel.channel());
    callWithoutHaste();
  }

  /** Has everything loaded that a call needs: the first of a process takes the longest. */
  private void callWithoutHaste() {
    PeerSettings patient = new PeerSettings(Duration.ofSeconds(50), 64, 50, WINDOW, OPEN, 1 << 20);
    PeerGuard guard = new PeerGuard("peer", patient, clock, nanos::get, new SimpleMeterRegistry());
    try (PeerChannel straight =
        PeerChannel.open(
            List.of("127.0.0.1:" + server.port()),
            guard,
            patient,
            Optional.empty(),
            OpenTelemetry.noop())) {
      assertThat(score(RewardServiceGrpc.newBlockingStub(straight.channel()), "first"))
          .isEqualTo(5);
    }
  }

  @AfterEach
  void stop() {
    channel.close();
    proxy.close();
    server.close();
    replies.close();
  }

  static Stream<Toxic> toxics() {
    return Stream.of(
        new Silence(),
        new Stall(),
        new Trickle(20),
        new Cut(5),
        new Down(),
        new Latency(Duration.ofSeconds(2), Duration.ofMillis(500)));
  }

  private double score(String completion) {
    return score(peer, completion);
  }

  private static double score(RewardServiceGrpc.RewardServiceBlockingStub stub, String completion) {
    return stub.score(
            ScoreRequest.newBuilder()
                .addItems(
                    ScoreItem.newBuilder()
                        .setCompletion(TextOrTokens.newBuilder().setText(completion)))
                .build())
        .getResults(0)
        .getValue();
  }

  /** What the caller of this server is told of a call that must fail, in time. */
  private static MeshException failing(Runnable call) {
    long begin = System.nanoTime();
    StatusRuntimeException thrown = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONGEST_CALL);
    assertThat(thrown).isNotNull();
    return typed(thrown);
  }

  private static MeshException typed(StatusRuntimeException thrown) {
    RuntimeException judged = PeerFaults.translate(thrown, "reward-server");
    assertThat(judged)
        .as("%s", thrown.getStatus())
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));
    return (MeshException) judged;
  }

  private double breakerState() {
    return meters.get("ballast.peer.breaker.state").gauge().value();
  }

  /** Says how long it takes until a call succeeds; the breaker waits by the test's time. */
  private Duration recovery() {
    long begin = System.nanoTime();
    while (true) {
      try {
        assertThat(score("afterwards")).isEqualTo(10);
        return Duration.ofNanos(System.nanoTime() - begin);
      } catch (StatusRuntimeException e) {
        typed(e);
        nanos.addAndGet(OPEN.toNanos() + 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("toxics")
  void aFaultEndsInTimeAndTypedOpensTheBreakerAndIsOverSoonAfterwards(Toxic toxic)
      throws Exception {
    assertThat(score("before")).isEqualTo(6);
    proxy.apply(toxic);

    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<MeshException>> failures = new ArrayList<>();
      for (int i = 0; i < WINDOW; i++) {
        failures.add(callers.submit(() -> failing(() -> score("during"))));
      }
      for (Future<MeshException> failure : failures) {
        assertThat(failure.get().getMessage()).startsWith("reward-server: ");
      }
    }
    assertThat(breakerState()).isEqualTo(1);
    int before = calls.get();
    assertThat(failing(() -> score("refused"))).hasMessageContaining("breaker open");
    assertThat(calls).as("an open breaker asks nobody").hasValue(before);

    proxy.heal();
    nanos.addAndGet(OPEN.toNanos() + 1);
    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
    assertThat(breakerState()).isZero();
    assertThat(score("and after that")).isEqualTo(14);
  }

  @Test
  void aPeerThatIsReachedAgainIsNotWaitedForUntilItsBreakersTimeIsOver() {
    assertThat(score("before")).isEqualTo(6);
    proxy.apply(new Down());
    for (int i = 0; i < WINDOW; i++) {
      var unused = failing(() -> score("during"));
    }
    assertThat(breakerState()).isEqualTo(1);

    proxy.heal();
    Await.until(() -> breakerState() == 2); // no time passes for it
    assertThat(score("afterwards")).isEqualTo(10);
    assertThat(breakerState()).isZero();
  }

  @Test
  void aConnectionThatIsDeadWithoutAWordIsLeftForANewOne() {
    assertThat(score("before")).isEqualTo(6);
    proxy.orphan();

    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
    assertThat(proxy.connections()).isEqualTo(2);
  }

  @Test
  void jitterIsNoFault() {
    proxy.apply(new Latency(Duration.ofMillis(20), Duration.ofMillis(15)));

    for (int i = 0; i < 10; i++) {
      assertThat(score("x".repeat(i))).isEqualTo(i);
    }
    assertThat(breakerState()).isZero();
    assertThat(proxy.connections()).isEqualTo(1);
  }

  @Test
  void aResetUnderACallThatMayNotBeRepeatedIsToldAndNotRepeated() {
    assertThat(score("before")).isEqualTo(6);
    int before = calls.get();

    assertThat(failing(() -> peer.listRewardModels(ListRewardModelsRequest.getDefaultInstance())))
        .hasMessageStartingWith("reward-server: ");

    assertThat(calls).hasValue(before + 1);
    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
  }

  @Test
  void aResetBetweenTwoCallsIsNotSeen() {
    for (int i = 1; i <= 5; i++) {
      assertThat(score("x".repeat(i))).isEqualTo(i);
      proxy.reset();
    }
    assertThat(breakerState()).isZero();
    assertThat(proxy.connections()).isGreaterThanOrEqualTo(5);
  }
}
