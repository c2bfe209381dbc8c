package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A server answers every call, whatever its service does, and loses none when it stops. */
class MeshServerTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 2);
  private final List<AutoCloseable> open = new ArrayList<>();
  private Callable<ScoreResponse> work = ScoreResponse::getDefaultInstance;

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      replies.unary(
          observer,
          () -> {
            RequestContexts.from(request.getMetadata());
            return work.call();
          });
    }

    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      return replies.bidirectional(
          observer, 2, (request, sink) -> sink.send(ScoreStreamResponse.getDefaultInstance()));
    }
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
    replies.close();
  }

  private MeshServer start(MeshServer.Options options) {
    MeshServer server =
        MeshServer.start(
            options,
            List.<BindableService>of(new Rewards()),
            meters,
            OpenTelemetry.noop(),
            System::nanoTime);
    open.add(server);
    return server;
  }

  private ManagedChannel channel(MeshServer server) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
    open.add(channel::shutdownNow);
    return channel;
  }

  private RewardServiceGrpc.RewardServiceBlockingStub rewards(MeshServer server) {
    return RewardServiceGrpc.newBlockingStub(channel(server))
        .withDeadlineAfter(10, TimeUnit.SECONDS);
  }

  @Test
  void aThrownMistakeIsAnswered() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    work =
        () -> {
          throw new IllegalStateException("private");
        };
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
              assertThat(e.getMessage()).doesNotContain("private");
            });
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "INTERNAL")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void theAnswerCarriesTheRequestIdOfTheMetadata() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    var stub =
        RewardServiceGrpc.newBlockingStub(
            ClientInterceptors.intercept(
                channel(server),
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers)));
    stub.score(
        ScoreRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setRequestId("mine-1"))
            .build());
    assertThat(trailers.get().get(CallIdentity.HEADER)).isEqualTo("mine-1");
    stub.score(ScoreRequest.getDefaultInstance());
    assertThat(trailers.get().get(CallIdentity.HEADER)).isNotBlank().isNotEqualTo("mine-1");
  }

  @Test
  void moreCallsThanTheLimitAreRefusedAtOnce() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var stub = RewardServiceGrpc.newFutureStub(channel(server));
    var first = stub.score(ScoreRequest.getDefaultInstance());
    var second = stub.score(ScoreRequest.getDefaultInstance());
    inside.await();
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED: 2 calls are under way");
    release.countDown();
    assertThat(first.get()).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(second.get()).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void aStreamOfRequestsIsAnsweredEachAndCompleted() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<Integer> answers = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(channel(server))
            .scoreStream(
                new StreamObserver<>() {
                  private int count;

                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    count++;
                  }

                  @Override
                  public void onError(Throwable error) {
                    answers.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    answers.complete(count);
                  }
                });
    for (int i = 0; i < 20; i++) {
      requests.onNext(ScoreStreamRequest.getDefaultInstance());
    }
    requests.onCompleted();
    assertThat(answers.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(20);
  }

  @Test
  void bytesThatAreNoRequestAreNamedAsTheCallersMistake() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    MethodDescriptor<byte[], ScoreResponse> method =
        RewardServiceGrpc.getScoreMethod().toBuilder(
                new Bytes(), RewardServiceGrpc.getScoreMethod().getResponseMarshaller())
            .build();

    assertThatThrownBy(
            () ->
                ClientCalls.blockingUnaryCall(
                    channel(server), method, CallOptions.DEFAULT, NOT_UTF_8))
        .isInstanceOfSatisfying(StatusRuntimeException.class, MeshServerTest::assertMalformed)
        .hasMessage(
            "INVALID_ARGUMENT: the request is not a ballast.reward.v1.ScoreRequest: Protocol"
                + " message had invalid UTF-8.");
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "INVALID_ARGUMENT")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void whatAStreamSentBeforeBytesThatAreNoRequestIsAnswered() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    MethodDescriptor<byte[], ScoreStreamResponse> method =
        RewardServiceGrpc.getScoreStreamMethod().toBuilder(
                new Bytes(), RewardServiceGrpc.getScoreStreamMethod().getResponseMarshaller())
            .build();
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    StreamObserver<byte[]> requests =
        ClientCalls.asyncBidiStreamingCall(
            channel(server).newCall(method, CallOptions.DEFAULT),
            new StreamObserver<>() {
              @Override
              public void onNext(ScoreStreamResponse answer) {
                answers.incrementAndGet();
              }

              @Override
              public void onError(Throwable error) {
                end.complete(error);
              }

              @Override
              public void onCompleted() {
                end.complete(new AssertionError("completed"));
              }
            });
    for (int i = 0; i < 5; i++) {
      requests.onNext(new byte[0]);
    }
    requests.onNext(NOT_UTF_8);
    requests.onNext(new byte[0]);
    requests.onCompleted();

    assertThat(end.orTimeout(10, TimeUnit.SECONDS).join())
        .isInstanceOfSatisfying(StatusRuntimeException.class, MeshServerTest::assertMalformed);
    assertThat(answers.get()).isEqualTo(5);
  }

  @Test
  void aMessageThatQuotesALongRequestStillReachesItsCaller() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    for (String text : List.of("x", "%", "\u0001", "→", "\uD83D\uDE00")) {
      work =
          () -> {
            throw new MeshException(
                Fault.MALFORMED_REQUEST,
                "name: " + text.repeat(100_000),
                Map.of("field", "name", "flaw", text.repeat(100_000), "value", text.repeat(9_999)));
          };
      assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
          .isInstanceOfSatisfying(StatusRuntimeException.class, MeshServerTest::assertMalformed)
          .hasMessageStartingWith("INVALID_ARGUMENT: name: " + text.repeat(100))
          .hasMessageEndingWith(text + "…");
    }
  }

  @Test
  void aRequestThatIsTooLongIsRefusedWithItsLengthAndTheLimit() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                1_000,
                plain.deadlineFloor(),
                plain.drain(),
                false,
                Optional.empty()));

    assertThatThrownBy(
            () ->
                rewards(server)
                    .score(
                        ScoreRequest.newBuilder()
                            .setMetadata(RequestMetadata.newBuilder().setTenant("t".repeat(2_000)))
                            .build()))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED: ")
        .hasMessageContaining("1000");
  }

  @Test
  void aServiceThatIsReadLenientlyIsStillListedByReflection() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<String> found = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel(server))
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse answer) {
                    found.complete(answer.getMessageResponseCase().name());
                  }

                  @Override
                  public void onError(Throwable error) {
                    found.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("ballast.reward.v1.RewardService")
            .build());
    assertThat(found.get(10, TimeUnit.SECONDS)).isEqualTo("FILE_DESCRIPTOR_RESPONSE");
    requests.onCompleted();
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallerThatLeftIsNoMistakeOfTheServer() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    work =
        () -> {
          Context.current().addListener(gone -> left.countDown(), Runnable::run);
          inside.countDown();
          left.await();
          return ScoreResponse.getDefaultInstance();
        };
    Recorded grpcJava = Recorded.of("io.grpc.internal.ServerCallImpl");
    try {
      var call =
          RewardServiceGrpc.newFutureStub(channel(server)).score(ScoreRequest.getDefaultInstance());
      inside.await();
      call.cancel(true);

      // the call is over once it is counted
      while (meters.find("ballast.server.calls").timer() == null) {
        Thread.onSpinWait();
      }
      assertThat(meters.get("ballast.server.calls").timer().getId().getTag("code"))
          .isEqualTo("CANCELLED");
    } finally {
      grpcJava.stop();
    }
    assertThat(grpcJava.messages).isEmpty();
  }

  @Test
  void aPortInUseIsNamedWithTheMend() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    assertThatThrownBy(() -> start(MeshServer.Options.loopback(server.port())))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage(
            "port %d is in use; choose another with --port or stop what listens there"
                .formatted(server.port()));
  }

  @Test
  void healthSaysServingUntilTheServerIsToStop() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel(server));
    HealthCheckRequest rewards =
        HealthCheckRequest.newBuilder().setService("ballast.reward.v1.RewardService").build();
    assertThat(health.check(rewards).getStatus()).isEqualTo(ServingStatus.SERVING);
    assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.SERVING);
    server.stopServing();
    assertThat(health.check(rewards).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
  }

  @Test
  void aCallUnderWayEndsBeforeTheServerDoes() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var call =
        RewardServiceGrpc.newFutureStub(channel(server)).score(ScoreRequest.getDefaultInstance());
    inside.await();
    Thread stop = Thread.startVirtualThread(server::close);
    release.countDown();
    assertThat(call.get(10, TimeUnit.SECONDS)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(stop.join(Duration.ofSeconds(10))).isTrue();
  }

  @Test
  void whileItDrainsOnlyServersOfThisProcessAreStillAnswered() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    ManagedChannel channel = channel(server);
    var underWay =
        RewardServiceGrpc.newFutureStub(channel).score(ScoreRequest.getDefaultInstance());
    inside.await();
    Thread drain = Thread.startVirtualThread(server::drain);
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
    while (health.check(HealthCheckRequest.getDefaultInstance()).getStatus()
        == ServingStatus.SERVING) {
      Thread.onSpinWait();
    }
    work = ScoreResponse::getDefaultInstance;
    Metadata own = new Metadata();
    own.put(DrainGate.PROCESS, DrainGate.THIS_PROCESS);
    assertThat(
            RewardServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(own))
                .score(ScoreRequest.getDefaultInstance()))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(drain.isAlive()).isTrue();
    release.countDown();
    assertThat(underWay.get(10, TimeUnit.SECONDS)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(drain.join(Duration.ofSeconds(10))).isTrue();
    assertThatThrownBy(
            () ->
                RewardServiceGrpc.newBlockingStub(channel).score(ScoreRequest.getDefaultInstance()))
        .hasMessage("UNAVAILABLE: the server is stopping; nothing was done");
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallThatOutlastsTheDrainIsEndedOnceAndToldWhy() throws Exception {
    MeshServer server = start(draining(Duration.ofMillis(100)));
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch cancelled = new CountDownLatch(2);
    work =
        () -> {
          Context.current().addListener(ended -> cancelled.countDown(), Runnable::run);
          inside.countDown();
          cancelled.await();
          return ScoreResponse.getDefaultInstance(); // too late
        };
    var stub = RewardServiceGrpc.newFutureStub(channel(server));
    var first = stub.score(ScoreRequest.getDefaultInstance());
    var second = stub.score(ScoreRequest.getDefaultInstance());
    inside.await();
    assertThat(server.callsUnderWay()).isEqualTo(2);
    Recorded log = Recorded.of(MeshServer.class.getName());
    Recorded grpcJava = Recorded.of("io.grpc.internal.ServerCallImpl");
    try {
      server.drain();
      cancelled.await();
      assertThat(server.callsUnderWay()).isZero();
      server.close();
    } finally {
      log.stop();
      grpcJava.stop();
    }
    assertThat(log.messages).singleElement().asString().contains("they are ended");
    for (var call : List.of(first, second)) {
      assertThatThrownBy(call::get)
          .cause()
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(PeerFaults.reason(e)).contains(Fault.DEPENDENCY_DOWN))
          .hasMessage(
              "UNAVAILABLE: the server is shutting down; what was not answered within PT0.1S is"
                  + " ended");
    }
    assertThat(grpcJava.messages).isEmpty();
    assertThat(
            meters
                .get("ballast.server.calls")
                .tag("code", "UNAVAILABLE")
                .tag("method", "ballast.reward.v1.RewardService/Score")
                .timer()
                .count())
        .isEqualTo(2);
  }

  @Test
  void whoWatchesHealthIsToldThatTheServerShutsDown() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    CountDownLatch watching = new CountDownLatch(1);
    HealthGrpc.newStub(channel(server))
        .watch(
            HealthCheckRequest.getDefaultInstance(),
            new StreamObserver<>() {
              @Override
              public void onNext(HealthCheckResponse state) {
                watching.countDown();
              }

              @Override
              public void onError(Throwable error) {
                end.complete(error);
              }

              @Override
              public void onCompleted() {
                end.complete(new AssertionError("completed"));
              }
            });
    watching.await();
    server.close();
    assertThat(end.orTimeout(10, TimeUnit.SECONDS).join())
        .hasMessage("UNAVAILABLE: the server is shutting down");
  }

  private static MeshServer.Options draining(Duration drain) {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    return new MeshServer.Options(
        plain.host(),
        0,
        plain.maxMessageBytes(),
        plain.deadlineFloor(),
        drain,
        false,
        Optional.empty());
  }

  @Test
  void aTokenIsDemandedWhereOneIsSet() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                plain.maxMessageBytes(),
                plain.deadlineFloor(),
                plain.drain(),
                false,
                Optional.of("s3cret")));
    assertThatThrownBy(() -> rewards(server).score(ScoreRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAUTHENTICATED");
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer s3cret");
    assertThat(
            rewards(server)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .score(ScoreRequest.getDefaultInstance()))
        .isEqualTo(ScoreResponse.getDefaultInstance());
  }

  private static void assertMalformed(StatusRuntimeException e) {
    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(PeerFaults.reason(e)).contains(Fault.MALFORMED_REQUEST);
  }

  /** Field 1, two bytes, which are no UTF-8; and as a message, an invalid tag. */
  private static final byte[] NOT_UTF_8 = {0x0A, 0x05, 0x0A, 0x03, 'i', (byte) 0xC3, 0x28};

  /** Sends bytes as they are. */
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] bytes) {
      return new ByteArrayInputStream(bytes);
    }

    @Override
    public byte[] parse(InputStream stream) {
      throw new AssertionError("requests are only sent");
    }
  }

  /** What a logger of java.util.logging, which grpc-java uses, was told. */
  private static final class Recorded extends Handler {
    private final List<String> messages = new CopyOnWriteArrayList<>();
    private final Logger logger; // held here: java.util.logging holds it weakly

    private Recorded(Logger logger) {
      this.logger = logger;
    }

    static Recorded of(String name) {
      Recorded recorded = new Recorded(Logger.getLogger(name));
      recorded.logger.addHandler(recorded);
      return recorded;
    }

    void stop() {
      logger.removeHandler(this);
    }

    @Override
    public void publish(LogRecord entry) {
      messages.add(entry.getLevel() + " " + entry.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
