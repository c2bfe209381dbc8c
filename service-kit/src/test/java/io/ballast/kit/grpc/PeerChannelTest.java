package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.resilience.TestTime;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.trace.Span;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a call to a peer carries, how long it may take, and when it never leaves. */
class PeerChannelTest {
  private static final PeerSettings SETTINGS =
      new PeerSettings(Duration.ofSeconds(30), 2, 50, 4, Duration.ofSeconds(2), 1 << 20);

  private final List<AutoCloseable> open = new ArrayList<>();
  private final TestTime time = new TestTime();
  private final Telemetry telemetry =
      Telemetry.start(
          new TelemetrySettings("test", Optional.empty(), 1, 100, Duration.ofSeconds(1)));
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("test"), 100);
  private final AtomicInteger calls = new AtomicInteger();
  private final List<Deadline> deadlines = new CopyOnWriteArrayList<>();
  private final List<String> requestIds = new CopyOnWriteArrayList<>();
  private final List<String> traceIds = new CopyOnWriteArrayList<>();
  private volatile Answer answer = () -> ScoreResponse.getDefaultInstance();

  private interface Answer {
    ScoreResponse get() throws Exception;
  }

  /** The peer: says what it got. */
  private final class Inner extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      calls.incrementAndGet();
      deadlines.add(Context.current().getDeadline());
      replies.unary(
          observer,
          () -> {
            traceIds.add(Span.current().getSpanContext().getTraceId());
            requestIds.add(RequestContexts.from(request.getMetadata()).requestId());
            return answer.get();
          });
    }

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      calls.incrementAndGet();
      observer.onError(Status.UNAVAILABLE.asRuntimeException());
    }
  }

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

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
    replies.close();
    telemetry.close();
  }

  private MeshServer serve(io.grpc.BindableService service, Optional<String> token) {
    MeshServer.Options loopback = MeshServer.Options.loopback(0);
    MeshServer server =
        MeshServer.start(
            new MeshServer.Options(
                loopback.host(),
                0,
                loopback.maxMessageBytes(),
                loopback.deadlineFloor(),
                loopback.drain(),
                false,
                token),
            List.of(service),
            new SimpleMeterRegistry(),
            telemetry.api(),
            System::nanoTime);
    open.add(server);
    return server;
  }

  private PeerChannel connect(int port, PeerSettings settings, Optional<String> token) {
    return open(List.of("127.0.0.1:" + port), settings, token);
  }

  private PeerChannel connect(
      List<MeshServer> servers, PeerSettings settings, Optional<String> token) {
    return open(
        servers.stream().map(server -> "127.0.0.1:" + server.port()).toList(), settings, token);
  }

  private PeerChannel open(List<String> addresses, PeerSettings settings, Optional<String> token) {
    PeerChannel channel =
        PeerChannel.open(
            addresses,
            new PeerGuard("peer", settings, time, time::nanoTime, new SimpleMeterRegistry()),
            settings,
            token,
            telemetry.api());
    open.add(channel);
    return channel;
  }

  private PeerChannel connect(MeshServer server) {
    return connect(server.port(), SETTINGS, Optional.empty());
  }

  private static RewardServiceGrpc.RewardServiceBlockingStub stub(PeerChannel channel) {
    return RewardServiceGrpc.newBlockingStub(channel.channel());
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

  private static PeerSettings settings(Duration answerReserve, BalancingSettings balancing) {
    return new PeerSettings(
        Duration.ofSeconds(30),
        16,
        100,
        1_000,
        Duration.ofSeconds(2),
        1 << 20,
        answerReserve,
        balancing);
  }

  @Test
  void aHopKeepsTimeToAnswerItsOwnCallerButNeverMoreThanATenth() throws Exception {
    MeshServer server = serve(new Inner(), Optional.empty());
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    open.add(timer::shutdownNow);
    for (Duration reserve : List.of(Duration.ofMillis(500), Duration.ofHours(1))) {
      PeerChannel channel =
          connect(server.port(), settings(reserve, BalancingSettings.defaults()), Optional.empty());
      try (Context.CancellableContext caller =
          Context.ROOT.withDeadline(Deadline.after(20, TimeUnit.SECONDS), timer)) {
        caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance()));
      }
    }
    assertThat(deadlines.get(0).timeRemaining(TimeUnit.MILLISECONDS)).isBetween(18_000L, 19_500L);
    assertThat(deadlines.get(1).timeRemaining(TimeUnit.MILLISECONDS)).isBetween(16_000L, 18_000L);
  }

  @Test
  void aPeerIsNotToBlameForACallersShortDeadline() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    open.add(release::countDown);
    answer =
        () -> {
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    open.add(timer::shutdownNow);
    for (int i = 0; i < 4; i++) { // the breaker would open at two
      try (Context.CancellableContext caller =
          Context.ROOT.withDeadline(Deadline.after(100, TimeUnit.MILLISECONDS), timer)) {
        assertThatThrownBy(
                () -> caller.call(() -> stub(channel).score(ScoreRequest.getDefaultInstance())))
            .hasMessageStartingWith("DEADLINE_EXCEEDED");
      }
    }
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance()); // it would not leave
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
            new BalancingSettings(Optional.empty(), Duration.ofMillis(200), Duration.ofMinutes(5)));
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
                Optional.of(Duration.ofMillis(20)), Duration.ZERO, Duration.ofSeconds(1)));
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

  @Test
  void aProbeThatIsRefusedForLoadClosesTheBreaker() {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessageStartingWith("INTERNAL");
    }
    time.pass(Duration.ofSeconds(3));
    answer =
        () -> {
          throw new MeshException(io.ballast.kit.error.Fault.OVERLOADED, "busy");
        };
    for (int i = 0; i < 3; i++) { // it answers, whatever it says: it is there
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessage("RESOURCE_EXHAUSTED: busy");
    }
  }

  @Test
  void aPeerThatFailsIsNotCalledUntilItsBreakerTriesAgain() {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessageStartingWith("INTERNAL");
    }
    assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage(
            "UNAVAILABLE: peer: breaker open, its last calls failed; it is tried again soon");
    assertThat(calls).hasValue(2);
    time.pass(Duration.ofSeconds(3));
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
    assertThat(calls).hasValue(3);
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
  void whatThePeerSaysAboutARequestDoesNotOpenTheBreaker() {
    answer =
        () -> {
          throw new MeshException(io.ballast.kit.error.Fault.UNKNOWN_MODEL, "no such model");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 10; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .hasMessage("NOT_FOUND: no such model");
    }
    assertThat(calls).hasValue(10);
  }

  @Test
  void oneCallTooManyIsRefusedWithoutWaiting() throws Exception {
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    answer =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    var async = RewardServiceGrpc.newFutureStub(channel.channel());
    var first = async.score(ScoreRequest.getDefaultInstance());
    var second = async.score(ScoreRequest.getDefaultInstance());
    assertThat(inside.await(20, TimeUnit.SECONDS)).as("%s, %s", first, second).isTrue();
    assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage("RESOURCE_EXHAUSTED: peer: 2 calls are under way, the limit");
    release.countDown();
    first.get(10, TimeUnit.SECONDS);
    second.get(10, TimeUnit.SECONDS);
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
  }

  @Test
  void aCallerThatCancelsGivesItsPlaceBack() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(2);
    answer =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    var async = RewardServiceGrpc.newFutureStub(channel.channel());
    var first = async.score(ScoreRequest.getDefaultInstance());
    var second = async.score(ScoreRequest.getDefaultInstance());
    assertThat(inside.await(20, TimeUnit.SECONDS)).as("%s, %s", first, second).isTrue();
    assertThat(first.cancel(true)).isTrue();
    assertThat(second.cancel(true)).isTrue();
    release.countDown();
    answer = ScoreResponse::getDefaultInstance;
    stub(channel).score(ScoreRequest.getDefaultInstance());
  }

  @Test
  void aRefusedCallClosesItsListenerOnceWhateverTheCallerDoesWithIt() throws Exception {
    answer =
        () -> {
          throw new IllegalStateException("a bug");
        };
    PeerChannel channel = connect(serve(new Inner(), Optional.empty()));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> stub(channel).score(ScoreRequest.getDefaultInstance()))
          .isInstanceOf(StatusRuntimeException.class);
    }
    ClientCall<ScoreRequest, ScoreResponse> call =
        channel.channel().newCall(RewardServiceGrpc.getScoreMethod(), CallOptions.DEFAULT);
    List<Status> closed = new CopyOnWriteArrayList<>();
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            closed.add(status);
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(ScoreRequest.getDefaultInstance());
    call.halfClose();
    call.cancel("enough", null);
    assertThat(closed).extracting(Status::getCode).containsExactly(Status.Code.UNAVAILABLE);
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
