package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which calls to a peer are tried again, and at which replica. */
class PeerRetriesTest extends PeerChannelCase {
  @Test
  void anIdempotentCallIsTriedAgainWhenThePeerIsAway() {
    AtomicInteger left = new AtomicInteger(2);
    answer =
        () -> {
          if (left.getAndDecrement() > 0) {
            throw new MeshException(io.ballast.kit.error.Fault.MODEL_LOADING, "soon");
          }
          return ScoreResponse.getDefaultInstance();
        };
    stub(connect(serve(new Inner(), Optional.empty()))).score(ScoreRequest.getDefaultInstance());
    assertThat(calls).hasValue(3);
  }

  @Test
  void aCallThatIsNotKnownToBeIdempotentIsNotTriedAgain() {
    assertThatThrownBy(
            () ->
                stub(connect(serve(new Inner(), Optional.empty())))
                    .listRewardModels(ListRewardModelsRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAVAILABLE");
    assertThat(calls).hasValue(1);
  }

  @Test
  void retriesStopWhenTheBudgetIsSpent() {
    PeerSettings patient =
        new PeerSettings(Duration.ofSeconds(30), 64, 100, 1_000, Duration.ofSeconds(2), 1 << 20);
    answer =
        () -> {
          throw new MeshException(io.ballast.kit.error.Fault.MODEL_LOADING, "never");
        };
    PeerChannel channel =
        connect(serve(new Inner(), Optional.empty()).port(), patient, Optional.empty());
    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessageStartingWith("UNAVAILABLE");
    }
    // ten tokens, a retry while more than five are left: 20 calls and some four retries, not 40
    assertThat(calls.get()).isBetween(22, 24);
  }

  @Test
  void retriesAreATenthOfTheCallsThatSucceedAtMost() {
    SplittableRandom random = new SplittableRandom(11);
    answer =
        () -> {
          if (random.nextInt(5) == 0) {
            throw new MeshException(io.ballast.kit.error.Fault.MODEL_LOADING, "now and then");
          }
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel =
        connect(
            serve(new Inner(), Optional.empty()).port(),
            settings(Duration.ofMillis(5), BalancingSettings.defaults()),
            Optional.empty());
    int succeeded = 0;
    for (int i = 0; i < 150; i++) {
      try {
        stub(channel).score(ScoreRequest.getDefaultInstance());
        succeeded++;
      } catch (StatusRuntimeException e) {
        assertThat(e).hasMessageStartingWith("UNAVAILABLE");
      }
    }
    assertThat(calls.get() - 150).isBetween(1, succeeded / 10 + 4);
  }

  @Test
  void aReplicaThatFailsAllCallsIsLeftOutForAWhile() {
    AtomicInteger failed = new AtomicInteger();
    MeshServer bad =
        serve(
            new RewardServiceGrpc.RewardServiceImplBase() {
              @Override
              public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
                failed.incrementAndGet();
                observer.onError(Status.INTERNAL.asRuntimeException());
              }
            },
            Optional.empty());
    PeerSettings settings =
        settings(
            Duration.ofMillis(5),
            new BalancingSettings(
                Optional.empty(), Duration.ofMillis(200), Duration.ofMinutes(5), Duration.ZERO));
    PeerChannel channel =
        PeerChannel.open(
            Stream.of(serve(new Inner(), Optional.empty()), bad)
                .map(server -> "127.0.0.1:" + server.port())
                .toList(),
            new PeerGuard("peer", settings, time, time::nanoTime, new SimpleMeterRegistry()),
            settings,
            Optional.empty(),
            Optional.empty(),
            telemetry.api(),
            Duration.ofMillis(1)); // looking for replicas again makes nothing forgotten
    open.add(channel);
    long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    int inARow = 0;
    while (inARow < 50) {
      assertThat(System.nanoTime()).as("it is called still").isLessThan(giveUp);
      try {
        stub(channel).score(ScoreRequest.getDefaultInstance());
        inARow++;
      } catch (StatusRuntimeException e) {
        inARow = 0;
      }
    }
    assertThat(failed.get()).isPositive();
  }

  @Test
  void aCheapReadThatIsLateIsAskedOfAnotherReplicaIfTheOperatorSaysSo() {
    CountDownLatch release = new CountDownLatch(1);
    open.add(release::countDown);
    AtomicInteger asked = new AtomicInteger();
    final class Reads extends RewardServiceGrpc.RewardServiceImplBase {
      @Override
      public void listRewardModels(
          ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
        boolean first = asked.getAndIncrement() == 0;
        replies.unary(
            observer,
            () -> {
              if (first) {
                release.await();
              }
              return ListRewardModelsResponse.getDefaultInstance();
            });
      }
    }
    PeerSettings settings =
        settings(
            Duration.ofMillis(5),
            new BalancingSettings(
                Optional.of(Duration.ofMillis(20)),
                Duration.ZERO,
                Duration.ofSeconds(1),
                Duration.ZERO));
    PeerChannel channel =
        connect(
            List.of(serve(new Reads(), Optional.empty()), serve(new Reads(), Optional.empty())),
            settings,
            Optional.empty());

    stub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .listRewardModels(ListRewardModelsRequest.getDefaultInstance());
    assertThat(asked).hasValue(2);
  }
}
