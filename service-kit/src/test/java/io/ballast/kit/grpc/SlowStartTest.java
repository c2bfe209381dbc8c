package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.grpc.ConnectivityState;
import io.grpc.LoadBalancerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A replica that has just come takes few of its turns at first, and all of them in the end. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SlowStartTest {
  private static final String POLICY = "slow_start_of_a_test";
  private static final int CALLS = 1_100;

  private final AtomicLong nanos = new AtomicLong();
  private final SlowStartProvider provider =
      new SlowStartProvider(POLICY, nanos::get, new Random(7));
  private final List<Replica> replicas = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();

  @BeforeEach
  void register() {
    LoadBalancerRegistry.getDefaultRegistry().register(provider);
  }

  @AfterEach
  void stop() throws InterruptedException {
    channels.forEach(ManagedChannel::shutdownNow);
    for (Replica replica : replicas) {
      replica.stop();
    }
    LoadBalancerRegistry.getDefaultRegistry().deregister(provider);
  }

  /** Counts its calls; comes and goes as a test says, always at the same port. */
  private static final class Replica extends RewardServiceGrpc.RewardServiceImplBase {
    private final AtomicInteger calls = new AtomicInteger();
    private final int port;
    private Server server;

    Replica() throws IOException {
      server = start(0);
      port = server.getPort();
    }

    private Server start(int at) throws IOException {
      return NettyServerBuilder.forAddress(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), at))
          .addService(this)
          .build()
          .start();
    }

    void comeBack() throws IOException {
      server = start(port);
    }

    void stop() throws InterruptedException {
      server.shutdownNow().awaitTermination();
    }

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      calls.incrementAndGet();
      observer.onNext(ListRewardModelsResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }

  private Replica replica() throws IOException {
    Replica replica = new Replica();
    replicas.add(replica);
    return replica;
  }

  /** A channel to these, which have all their turns after 10 s. */
  @SuppressWarnings("deprecation") // as PeerChannel
  private ManagedChannel channel(Replica... to) {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget("ballast:///reward")
            .nameResolverFactory(
                PeerAddresses.parse(
                    "reward", Stream.of(to).map(each -> "127.0.0.1:" + each.port).toList()))
            .usePlaintext()
            .defaultServiceConfig(
                Map.of(
                    "loadBalancingConfig",
                    List.of(Map.of(POLICY, Map.of(BalancingSettings.WINDOW_SECONDS, 10.0)))))
            .disableServiceConfigLookUp()
            .build();
    channels.add(channel);
    return channel;
  }

  private void pass(long seconds) {
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static void call(ManagedChannel channel) {
    var unused =
        RewardServiceGrpc.newBlockingStub(channel)
            .withWaitForReady()
            .listRewardModels(ListRewardModelsRequest.getDefaultInstance());
  }

  /** Calls until {@code replica} has been asked. */
  private static void callUntilAsked(ManagedChannel channel, Replica replica) {
    int before = replica.calls.get();
    while (replica.calls.get() == before) {
      channel.resetConnectBackoff();
      call(channel);
    }
  }

  /** How many of {@link #CALLS} calls {@code replica} gets. */
  private static int share(ManagedChannel channel, Replica replica) {
    int before = replica.calls.get();
    for (int i = 0; i < CALLS; i++) {
      call(channel);
    }
    return replica.calls.get() - before;
  }

  @Test
  void turnsAreTakenWithAge() throws Exception {
    Replica old = replica();
    Replica young = replica();
    young.stop();
    ManagedChannel channel = channel(old, young);
    call(channel);
    pass(100);

    young.comeBack();
    callUntilAsked(channel, young);

    // a tenth of a turn beside a whole one: one call in eleven
    assertThat(share(channel, young)).isBetween(70, 130);
    pass(5);
    assertThat(share(channel, young)).as("half a turn: a third").isBetween(320, 415);
    pass(5);
    assertThat(share(channel, young)).as("a whole turn").isBetween(549, 551);
  }

  @Test
  void theOthersTakeWhatIsLeftAlike() throws Exception {
    Replica first = replica();
    Replica young = replica();
    Replica second = replica();
    young.stop();
    ManagedChannel channel = channel(first, young, second);
    callUntilAsked(channel, first);
    callUntilAsked(channel, second);
    pass(100);
    young.comeBack();
    callUntilAsked(channel, young);

    int before = second.calls.get();
    int ofFirst = share(channel, first);
    assertThat(second.calls.get() - before).isBetween(ofFirst - 1, ofFirst + 1);
  }

  @Test
  void replicasThatComeTogetherTakeTurnsAlike() throws Exception {
    Replica one = replica();
    Replica other = replica();
    ManagedChannel channel = channel(one, other);
    callUntilAsked(channel, one);
    callUntilAsked(channel, other);

    pass(1);
    assertThat(share(channel, other)).isBetween(549, 551);
  }

  @Test
  void whoFailedAndCameBackIsYoungAgain() throws Exception {
    Replica steady = replica();
    Replica restarted = replica();
    ManagedChannel channel = channel(steady, restarted);
    callUntilAsked(channel, steady);
    callUntilAsked(channel, restarted);
    pass(100);
    assertThat(share(channel, restarted)).isBetween(549, 551);

    restarted.stop();
    steady.stop();
    while (channel.getState(true) != ConnectivityState.TRANSIENT_FAILURE) { // seen of both alone
      Thread.onSpinWait();
    }
    steady.comeBack();
    callUntilAsked(channel, steady);
    pass(100);
    restarted.comeBack();
    callUntilAsked(channel, restarted);

    assertThat(share(channel, restarted)).isBetween(70, 130);
  }

  @Test
  void oneAloneTakesAllCalls() throws Exception {
    Replica alone = replica();
    assertThat(share(channel(alone), alone)).isEqualTo(CALLS);
  }

  @Test
  void aConfigurationWithoutItsNumberIsRefused() {
    Status error =
        Objects.requireNonNull(
            provider.parseLoadBalancingPolicyConfig(Map.of("window", "10s")).getError());
    assertThat(error.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(error.getDescription()).isEqualTo("windowSeconds: no number in {window=10s}");
  }
}
