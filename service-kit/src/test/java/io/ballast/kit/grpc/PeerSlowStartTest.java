package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Slow start in a channel as servers open it: with the usual settings, so that a search for
 * replicas that fail is around it and their health is asked.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class PeerSlowStartTest extends PeerChannelCase {
  private static final LoadBalancerRegistry POLICIES = LoadBalancerRegistry.getDefaultRegistry();
  private static final int CALLS = 1_100;

  private final AtomicLong nanos = new AtomicLong();
  private final LoadBalancerProvider onGivenClock =
      new SlowStartProvider(BalancingSettings.SLOW_START, nanos::get, new Random(7));
  private @Nullable LoadBalancerProvider usual;

  /** Of two policies of one name the first that was registered is taken. */
  @BeforeEach
  void giveClock() {
    usual = POLICIES.getProvider(BalancingSettings.SLOW_START);
    if (usual != null) {
      POLICIES.deregister(usual);
    }
    POLICIES.register(onGivenClock);
  }

  @AfterEach
  void takeClockBack() {
    POLICIES.deregister(onGivenClock);
    if (usual != null) {
      POLICIES.register(usual);
    }
  }

  /** Counts its calls. */
  private static final class Counting extends RewardServiceGrpc.RewardServiceImplBase {
    private final AtomicInteger asked = new AtomicInteger();

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      asked.incrementAndGet();
      observer.onNext(ListRewardModelsResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }

  private PeerChannel openAsServersDo(int... ports) {
    PeerSettings settings = PeerSettings.defaults();
    PeerChannel channel =
        PeerChannel.open(
            IntStream.of(ports).mapToObj(port -> "127.0.0.1:" + port).toList(),
            new PeerGuard("peer", settings, time, time::nanoTime, new SimpleMeterRegistry()),
            settings,
            Optional.empty(),
            Optional.empty(),
            telemetry.api(),
            Duration.ofMillis(1)); // a replica that was away is found at once
    open.add(channel);
    return channel;
  }

  private static void call(PeerChannel channel) {
    var unused =
        stub(channel)
            .withWaitForReady()
            .listRewardModels(ListRewardModelsRequest.getDefaultInstance());
  }

  /** How many of {@link #CALLS} calls {@code replica} gets. */
  private static int share(PeerChannel channel, Counting replica) {
    int before = replica.asked.get();
    for (int i = 0; i < CALLS; i++) {
      call(channel);
    }
    return replica.asked.get() - before;
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void aReplicaThatComesLateHasFewCallsAndThenHalf() {
    MeshServer old = serve(new Counting(), Optional.empty());
    MeshServer away = serve(new Counting(), Optional.empty());
    int place = away.port();
    away.close();
    PeerChannel channel = openAsServersDo(old.port(), place);
    call(channel);
    pass(Duration.ofMinutes(1));

    Counting late = new Counting();
    serve(late, Optional.empty(), place);
    while (late.asked.get() == 0) {
      call(channel);
    }

    // a tenth of a turn beside a whole one: one call in eleven
    assertThat(share(channel, late)).isBetween(70, 130);
    pass(BalancingSettings.defaults().slowStart());
    assertThat(share(channel, late)).as("every second").isBetween(549, 551);
  }
}
