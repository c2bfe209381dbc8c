package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a call to a peer carries, how long it may take, and over which connections it goes. */
class PeerChannelTest extends PeerChannelCase {
  /** A server that asks the peer for each of its answers. */
  private final class Outer extends RewardServiceGrpc.RewardServiceImplBase {
    private final RewardServiceGrpc.RewardServiceBlockingStub peer;

    Outer(PeerChannel channel) {
      peer = RewardServiceGrpc.newBlockingStub(channel.channel());
    }

    @Override
    public void compare(CompareRequest request, StreamObserver<CompareResponse> observer) {
      replies.unary(
          observer,
          () -> {
            RequestContexts.from(request.getMetadata());
            peer.score(ScoreRequest.getDefaultInstance());
            return CompareResponse.getDefaultInstance();
          });
    }
  }

  @Test
  void oneRequestIdAndOneTraceRunThroughAllHops() throws Exception {
    PeerChannel toInner = connect(serve(new Inner(), Optional.empty()));
    PeerChannel toOuter = connect(serve(new Outer(toInner), Optional.empty()));
    stub(toOuter)
        .compare(
            CompareRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setRequestId("run:7.3"))
                .build());
    assertThat(requestIds).containsExactly("run:7.3");

    closeAll(); // all spans have ended then
    List<EndedSpan> spans = telemetry.recent().trace(traceIds.getFirst());
    List<String> path = new ArrayList<>();
    Optional<EndedSpan> next = childOf("", spans);
    while (next.isPresent()) {
      path.add(next.get().kind() + " " + next.get().name());
      next = childOf(next.get().spanId(), spans);
    }
    assertThat(path)
        .containsExactly(
            "CLIENT ballast.reward.v1.RewardService/Compare",
            "SERVER ballast.reward.v1.RewardService/Compare",
            "CLIENT ballast.reward.v1.RewardService/Score",
            "SERVER ballast.reward.v1.RewardService/Score");
  }

  private static Optional<EndedSpan> childOf(String parent, List<EndedSpan> spans) {
    return spans.stream().filter(span -> span.parentSpanId().equals(parent)).findFirst();
  }

  @Test
  void aCallWithoutADeadlineGetsTheAttemptTimeout() {
    stub(connect(serve(new Inner(), Optional.empty()))).score(ScoreRequest.getDefaultInstance());
    assertThat(deadlines.getFirst().timeRemaining(TimeUnit.SECONDS)).isBetween(20L, 30L);
  }

  @Test
  void theDeadlineIsWhatIsLeftOfTheCallers() throws Exception {
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    open.add(timer::shutdownNow);
    try (Context.CancellableContext caller =
        Context.ROOT.withDeadline(Deadline.after(9, TimeUnit.SECONDS), timer)) {
      caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance()));
    }
    assertThat(deadlines.getFirst().timeRemaining(TimeUnit.SECONDS)).isLessThan(9);
  }

  @Test
  void aHopKeepsTimeToAnswerItsOwnCallerButNeverMoreThanATenth() throws Exception {
    MeshServer server = serve(new Inner(), Optional.empty());
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    open.add(timer::shutdownNow);
    for (Duration reserve : List.of(Duration.ofSeconds(30), Duration.ofHours(1))) {
      PeerChannel channel =
          connect(server.port(), settings(reserve, BalancingSettings.defaults()), Optional.empty());
      try (Context.CancellableContext caller =
          Context.ROOT.withDeadline(Deadline.after(20, TimeUnit.MINUTES), timer)) {
        caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance()));
      }
    }
    assertThat(deadlines.get(0).timeRemaining(TimeUnit.SECONDS)).isBetween(1_140L, 1_170L);
    assertThat(deadlines.get(1).timeRemaining(TimeUnit.SECONDS)).isBetween(1_050L, 1_080L);
  }

  @Test
  void thePeersTokenTravels() {
    MeshServer server = serve(new Inner(), Optional.of("s3cret"));
    stub(connect(server.port(), SETTINGS, Optional.of("s3cret")))
        .score(ScoreRequest.getDefaultInstance());
    assertThat(calls).hasValue(1);
    assertThatThrownBy(() -> stub(connect(server)).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAUTHENTICATED");
  }

  @Test
  void aPeerThatIsAwayIsTriedAgainWithoutEverLongerPauses() throws Exception {
    CountDownLatch tries = new CountDownLatch(20); // by grpc-java's own pauses a quarter of an hour
    try (ServerSocket broken = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        PeerChannel channel =
            PeerChannel.open(
                List.of("127.0.0.1:" + broken.getLocalPort()),
                new PeerGuard("peer", SETTINGS, time, time::nanoTime, new SimpleMeterRegistry()),
                SETTINGS,
                Optional.empty(),
                Optional.empty(),
                telemetry.api(),
                Duration.ofMillis(5))) {
      Thread.ofVirtual().start(() -> hangUp(broken, tries));

      channel.connect();

      assertThat(tries.await(60, TimeUnit.SECONDS)).as("%s left", tries).isTrue();
      assertThat(channel.isConnected()).isFalse();
    }
  }

  @Test
  void aPeerThatIsOnlySlowIsNotBurdenedWithEverNewConnections() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    CountDownLatch first = new CountDownLatch(1);
    List<Socket> silent = new CopyOnWriteArrayList<>();
    try (ServerSocket slow = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual()
          .start(
              () ->
                  accept(
                      slow,
                      socket -> {
                        silent.add(socket);
                        connections.incrementAndGet();
                        first.countDown();
                      }));
      PeerChannel channel = connect(slow.getLocalPort(), SETTINGS, Optional.empty());
      ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
      open.add(timer::shutdownNow);
      for (int i = 0; i < 12; i++) { // the breaker ignores what the caller's deadline ends
        try (Context.CancellableContext caller =
            Context.ROOT.withDeadline(Deadline.after(20, TimeUnit.MILLISECONDS), timer)) {
          assertThatThrownBy(
                  () -> caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance())))
              .hasMessageStartingWith("DEADLINE_EXCEEDED");
        }
      }
      assertThat(first.await(60, TimeUnit.SECONDS)).as("connected").isTrue();
      // the first, one in its place, and another if that took five seconds; not one for every two
      assertThat(connections.get()).isBetween(1, 3);
    } finally {
      for (Socket each : silent) {
        each.close();
      }
    }
  }

  private static void hangUp(ServerSocket server, CountDownLatch tries) {
    accept(
        server,
        socket -> {
          socket.close();
          tries.countDown();
        });
  }

  private interface Accepted {
    void take(Socket socket) throws IOException;
  }

  private static void accept(ServerSocket server, Accepted accepted) {
    try {
      while (true) {
        accepted.take(server.accept());
      }
    } catch (IOException e) {
      assertThat(server.isClosed()).isTrue();
    }
  }

  @Test
  void whereAPeerWouldBeIsToldToNobody() {
    String longerThanANameMayBe = "nowhere".repeat(10); // so that no name server is asked
    PeerChannel channel = open(List.of(longerThanANameMayBe + ":9090"), SETTINGS, Optional.empty());
    assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAVAILABLE: ")
        .hasMessageEndingWith("none of its hosts is known")
        .hasMessageNotContaining("nowhere");
  }

  @Test
  void aChannelSaysWhetherItsPeerIsConnected() {
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    assertThat(channel.isConnected()).isFalse();
    stub(channel).score(ScoreRequest.getDefaultInstance());
    assertThat(channel.isConnected()).isTrue();
  }

  @Test
  void anAddressThatIsNoneIsNamed() {
    assertThatThrownBy(
            () ->
                PeerChannel.open(
                    List.of("somewhere"),
                    new PeerGuard(
                        "peer", SETTINGS, time, time::nanoTime, new SimpleMeterRegistry()),
                    SETTINGS,
                    Optional.empty(),
                    telemetry.api()))
        .hasMessage("peer address: somewhere (expected: host:port)");
  }
}
