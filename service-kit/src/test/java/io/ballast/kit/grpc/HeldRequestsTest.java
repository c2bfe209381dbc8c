package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import io.ballast.kit.error.Fault;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Right;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The memory that requests take is bounded, and what finds no room leaves others alone. */
class HeldRequestsTest extends MeshServerCase {
  private static final int MESSAGE = 64 << 10;
  private static final int HELD = 1 << 20;
  private static final int LONG_NAME = 60_000;
  private static final String TOKEN = "a-token-that-is-long-enough";

  private static MeshServer.Options options(Optional<String> token) {
    return new MeshServer.Options(
        "127.0.0.1", 0, MESSAGE, Duration.ofMillis(1), Duration.ofSeconds(10), true, token, HELD);
  }

  private static ScoreRequest named(int characters) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel("m".repeat(characters)))
        .build();
  }

  private static Metadata shown() {
    Metadata headers = new Metadata();
    headers.put(ServerEdge.AUTHORIZATION, "Bearer " + TOKEN);
    return headers;
  }

  private double held(String of) {
    return meters.get("ballast.requests.held.bytes").tag("of", of).gauge().value();
  }

  private double refused(String reason) {
    return meters.get("ballast.requests.refused").tag("reason", reason).counter().count();
  }

  /** Sends more long messages than there is room for. */
  private List<Unfinished<ScoreRequest, ScoreResponse>> fill(
      ManagedChannel greedy, Metadata headers) throws InvalidProtocolBufferException {
    return fill("callers", greedy, RewardServiceGrpc.getScoreMethod(), headers, named(LONG_NAME));
  }

  private <Q extends Message, A> List<Unfinished<Q, A>> fill(
      String of, ManagedChannel greedy, MethodDescriptor<Q, A> method, Metadata headers, Q message)
      throws InvalidProtocolBufferException {
    List<Unfinished<Q, A>> calls = new ArrayList<>();
    long each =
        HeldRequests.CALL_BYTES
            + MessageWeight.of(message.getDescriptorForType())
                .of(message.toByteArray(), Long.MAX_VALUE);
    for (int i = 0; i < 40; i++) {
      Metadata own = new Metadata(); // a call takes over what it is started with
      own.merge(headers);
      calls.add(new Unfinished<>(greedy, method, own, message));
      // until it is refused, or whole and held; those that come together may all be refused
      while (held(of) != each * calls.stream().filter(call -> !call.end.isDone()).count()) {
        Thread.onSpinWait();
      }
    }
    return calls;
  }

  private void awaitNothingHeld(String of) {
    while (held(of) != 0) {
      Thread.onSpinWait();
    }
  }

  /** A call whose one message is sent, and whose half is not closed. */
  private static final class Unfinished<Q, A> extends ClientCall.Listener<A> {
    final CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
    private final ClientCall<Q, A> call;

    Unfinished(ManagedChannel channel, MethodDescriptor<Q, A> method, Metadata headers, Q message) {
      call = channel.newCall(method, CallOptions.DEFAULT);
      call.start(this, headers);
      call.request(1);
      call.sendMessage(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      end.complete(status.asRuntimeException(trailers));
    }

    StatusRuntimeException ended() {
      return end.orTimeout(20, TimeUnit.SECONDS).join();
    }
  }

  private static void assertTooLarge(StatusRuntimeException e) {
    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(PeerFaults.tooLarge(e.getStatus())).as("not to be sent again").isTrue();
    assertThat(PeerFaults.reason(e)).contains(Fault.MALFORMED_REQUEST);
  }

  private static void assertOverloaded(StatusRuntimeException e) {
    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(PeerFaults.tooLarge(e.getStatus())).isFalse();
    assertThat(PeerFaults.reason(e)).contains(Fault.OVERLOADED);
    assertThat(PeerFaults.retryDelay(e)).as("when to come again").isPresent();
    assertThat(Admission.reason(e.getStatus(), Objects.requireNonNull(e.getTrailers())))
        .isEqualTo("held_bytes");
  }

  @Test
  void aStrangersLongMessageIsRefusedBeforeItIsWhole() {
    MeshServer server = start(options(Optional.of(TOKEN)));
    ManagedChannel stranger = channel(server);
    for (int i = 0; i < 50; i++) {
      Unfinished<?, ?> check =
          new Unfinished<>(
              stranger,
              HealthGrpc.getCheckMethod(),
              new Metadata(),
              HealthCheckRequest.newBuilder().setService("s".repeat(LONG_NAME)).build());
      assertTooLarge(check.ended());
      assertThat(check.ended())
          .hasMessage("RESOURCE_EXHAUSTED: gRPC message exceeds maximum size 4096");
    }
    assertTooLarge(
        new Unfinished<>(
                stranger,
                HealthGrpc.getWatchMethod(),
                new Metadata(),
                HealthCheckRequest.newBuilder().setService("s".repeat(LONG_NAME)).build())
            .ended());
    awaitNothingHeld("anybody");
    assertThat(refused("too_large")).isEqualTo(51);
    assertThat(
            HealthGrpc.newBlockingStub(stranger)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void strangersTakeNoRoomOfKnownCallers() throws Exception {
    MeshServer server = start(options(Optional.of(TOKEN)));
    ManagedChannel stranger = channel(server);
    HealthCheckRequest request =
        HealthCheckRequest.newBuilder().setService("s".repeat(3_000)).build();
    List<Unfinished<HealthCheckRequest, HealthCheckResponse>> calls =
        fill("anybody", stranger, HealthGrpc.getCheckMethod(), new Metadata(), request);
    // an address has half of the 256 KiB for anybody, and each call takes some 7,200 bytes of them
    assertThat(calls).filteredOn(call -> !call.end.isDone()).hasSizeBetween(10, 18);
    calls.stream()
        .filter(call -> call.end.isDone())
        .forEach(call -> assertOverloaded(call.ended()));
    assertThat(held("anybody")).isBetween(1.0, HELD / 8.0);
    assertThat(
            rewards(server)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(shown()))
                .score(named(LONG_NAME)))
        .isEqualTo(ScoreResponse.getDefaultInstance());

    stranger.shutdownNow();
    awaitNothingHeld("anybody");
    awaitNothingHeld("callers");
  }

  @Test
  void messagesThatWaitForTheirEndAreHeldToTheLimitAndSmallCallsGoOn() throws Exception {
    MeshServer server = start(options(Optional.empty()));
    ManagedChannel greedy = channel(server);
    List<Unfinished<ScoreRequest, ScoreResponse>> calls = fill(greedy, new Metadata());
    // 64 KB and some each, of half a MiB
    assertThat(calls).filteredOn(call -> !call.end.isDone()).hasSize(7);
    calls.stream()
        .filter(call -> call.end.isDone())
        .forEach(call -> assertOverloaded(call.ended()));
    assertThat(refused("held_bytes"))
        .isEqualTo(calls.stream().filter(call -> call.end.isDone()).count());
    assertThat(rewards(server).score(named(10)))
        .as("small calls go on")
        .isEqualTo(ScoreResponse.getDefaultInstance());

    greedy.shutdownNow();
    awaitNothingHeld("callers");
    assertThat(rewards(server).score(named(LONG_NAME)))
        .as("once there is room again")
        .isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void callersKeepNoServerOfTheMeshOut() throws Exception {
    MeshServer server = start(options(Optional.of(TOKEN)));
    fill(channel(server), shown());
    assertThat(refused("held_bytes")).as("they fill their room").isPositive();

    Metadata peer = shown();
    peer.put(DrainGate.PROCESS, "another process");
    assertThat(
            rewards(server)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(peer))
                .score(named(LONG_NAME)))
        .as("of a server that shows the mesh's token")
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(
            RewardServiceGrpc.newBlockingStub(server.inside())
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(shown()))
                .score(named(LONG_NAME)))
        .as("within the process, where nothing counts")
        .isEqualTo(ScoreResponse.getDefaultInstance());
    awaitNothingHeld("peers");
  }

  @Test
  void aRequestIsHeldUntilTheWorkForItEnds() throws Exception {
    MeshServer server = start(options(Optional.empty()));
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          begun.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    ManagedChannel channel = channel(server);
    var answer = RewardServiceGrpc.newFutureStub(channel).score(named(LONG_NAME));
    begun.await();
    assertThat(held("callers")).isGreaterThan(LONG_NAME);

    answer.cancel(true);
    channel.shutdownNow();
    while (server.callsUnderWay() > 0) {
      Thread.onSpinWait();
    }
    assertThat(held("callers"))
        .as("its caller has left, its work goes on")
        .isGreaterThan(LONG_NAME);
    release.countDown();
    awaitNothingHeld("callers");
  }

  @Test
  void fieldsThatARequestDoesNotHaveAreNotKept() {
    BlockingQueue<ScoreRequest> seen = new ArrayBlockingQueue<>(1);
    MeshServer server =
        start(
            options(Optional.empty()),
            Optional.empty(),
            System::nanoTime,
            new RewardServiceGrpc.RewardServiceImplBase() {
              @Override
              public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
                seen.add(request);
                observer.onNext(ScoreResponse.getDefaultInstance());
                observer.onCompleted();
              }
            });
    UnknownFieldSet.Builder unknown = UnknownFieldSet.newBuilder();
    for (int number = 1_000; number < 13_000; number++) {
      unknown.mergeVarintField(number, 1);
    }
    ScoreRequest odd = named(10).toBuilder().setUnknownFields(unknown.build()).build();
    assertThat(odd.getSerializedSize()).isGreaterThan(30_000);

    assertThat(rewards(server).score(odd)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(seen.remove()).isEqualTo(named(10));
  }

  @Test
  void aMessageOfManyObjectsIsRefusedBeforeTheyAreMade() {
    MeshServer server = start(options(Optional.empty()));
    ScoreRequest.Builder many = ScoreRequest.newBuilder();
    for (int i = 0; i < 30_000; i++) {
      many.addItems(ScoreItem.getDefaultInstance());
    }
    ScoreRequest crowded = many.build();
    assertThat(crowded.getSerializedSize()).isLessThan(MESSAGE);
    work =
        () -> {
          throw new AssertionError("it was read");
        };

    assertThatThrownBy(() -> rewards(server).score(crowded))
        .isInstanceOfSatisfying(StatusRuntimeException.class, HeldRequestsTest::assertTooLarge)
        .hasMessage(
            "RESOURCE_EXHAUSTED: with its fields as objects the message exceeds maximum size"
                + " 520,192 in memory");
    assertThat(refused("too_large")).isEqualTo(1);
    awaitNothingHeld("callers");
  }

  @Test
  void theLongestMessageIsTakenWhereRoomIsTheLeastAllowed() {
    MeshServer server =
        start(
            new MeshServer.Options(
                "127.0.0.1",
                0,
                MESSAGE,
                Duration.ofMillis(1),
                Duration.ofSeconds(10),
                true,
                Optional.empty(),
                8 * MESSAGE));
    ScoreRequest longest = named(MESSAGE - 8); // two tags, and two lengths of three bytes
    assertThat(longest.getSerializedSize()).isEqualTo(MESSAGE);
    assertThat(rewards(server).score(longest)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThatThrownBy(
            () ->
                new MeshServer.Options(
                    "127.0.0.1",
                    0,
                    MESSAGE,
                    Duration.ofMillis(1),
                    Duration.ofSeconds(10),
                    true,
                    Optional.empty(),
                    8 * MESSAGE - 1))
        .hasMessageContaining("eight times the longest message or more, 524,288");
  }

  @Test
  void aStreamGivesBackEachMessageThatIsAnswered() throws Exception {
    MeshServer server = start(options(Optional.empty()));
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Boolean> end = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(channel(server))
            .scoreStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    answers.incrementAndGet();
                  }

                  @Override
                  public void onError(Throwable error) {
                    end.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(true);
                  }
                });
    ScoreStreamRequest request =
        ScoreStreamRequest.newBuilder()
            .setItem(ScoreItem.newBuilder().setItemId("i".repeat(LONG_NAME)))
            .build();
    for (int i = 0; i < 100; i++) { // 6 MB, of which 1 MiB at once may be there
      requests.onNext(request);
    }
    requests.onCompleted();

    assertThat(end.get(20, TimeUnit.SECONDS)).isTrue();
    assertThat(answers.get()).isEqualTo(100);
    awaitNothingHeld("callers");
  }

  @Test
  void roomGoesByTheHeapAndByTheLongestMessage() {
    assertThat(MeshServer.Options.usualHeldBytes(16 << 20, 6L << 30)).isEqualTo(2L << 30);
    assertThat(MeshServer.Options.usualHeldBytes(16 << 20, 256 << 20)).isEqualTo(128 << 20);
    assertThat(MeshServer.Options.usualHeldBytes(32 << 20, 256 << 20)).isEqualTo(256 << 20);
  }

  @Test
  void aTenantHasHalfAndAnotherStillFindsRoom() {
    HeldRequests requests = new HeldRequests(100 * HeldRequests.CALL_BYTES, meters);
    Principal one = principal("one", Optional.of("acme"));
    Principal other = principal("other", Optional.of("acme"));
    int calls = 0;
    while (enters(requests, calls % 2 == 0 ? one : other)) {
      calls++;
    }
    assertThat(calls).as("of a tenant, by two names").isEqualTo(50);
    assertThat(enters(requests, principal("its own", Optional.of("globex")))).isTrue();
    assertThat(enters(requests, principal("of no tenant", Optional.empty()))).isTrue();
  }

  private static Principal principal(String name, Optional<String> tenant) {
    return new Principal(name, tenant, EnumSet.of(Right.TRAINER), Principal.Proof.JWT);
  }

  /** Whether a call of {@code caller} finds room, which it keeps. */
  private static boolean enters(HeldRequests requests, Principal caller) {
    CallIdentity identity = new CallIdentity("request");
    identity.principal(caller);
    ServerStreamTracer held =
        requests.newServerStreamTracer(
            RewardServiceGrpc.getScoreMethod().getFullMethodName(), new Metadata());
    Context context = held.filterContext(identity.in(Context.ROOT));
    AtomicInteger begun = new AtomicInteger();
    context.run(
        () -> {
          var unused =
              requests.interceptCall(
                  new Ended<>(RewardServiceGrpc.getScoreMethod()),
                  new Metadata(),
                  (call, headers) -> {
                    begun.incrementAndGet();
                    return new ServerCall.Listener<>() {};
                  });
        });
    return begun.get() == 1;
  }

  /** A call that can only be ended. */
  private static final class Ended<Q, A> extends ServerCall<Q, A> {
    private final MethodDescriptor<Q, A> method;

    Ended(MethodDescriptor<Q, A> method) {
      this.method = method;
    }

    @Override
    public void request(int count) {
      throw new AssertionError("nothing is asked for");
    }

    @Override
    public void sendHeaders(Metadata headers) {
      throw new AssertionError("nothing is answered");
    }

    @Override
    public void sendMessage(A message) {
      throw new AssertionError("nothing is answered");
    }

    @Override
    public void close(Status status, Metadata trailers) {
      assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public MethodDescriptor<Q, A> getMethodDescriptor() {
      return method;
    }
  }

  @Test
  void bytesThatComeSinglyTakeMore() {
    HeldRequests requests = new HeldRequests(100_000, meters);
    HeldRequest request = new HeldRequest(requests, "a.Service/Method", Long.MAX_VALUE);
    assertThat(request.enter(new Shares(100_000, false), "", 0, true)).isTrue();
    int parts = 0;
    while (request.ended() == null) {
      request.inboundWireSize(1);
      parts++;
    }
    assertThat(parts).as("of 513 bytes each").isEqualTo(100_000 / 513 + 1);
  }

  @Test
  void ofMessagesThatComeTogetherOneEndsAndTheOthersGoOn() {
    HeldRequests requests = new HeldRequests(100_000, meters);
    Shares room = new Shares(100_000, false);
    List<HeldRequest> together = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      HeldRequest request = new HeldRequest(requests, "a.Service/Method", Long.MAX_VALUE);
      assertThat(request.enter(room, "", 100, true)).isTrue();
      together.add(request);
    }
    for (int part = 0; part < 30; part++) { // 30 of 1,000 bytes each, and what each takes beside
      together.forEach(request -> request.inboundWireSize(1_000));
    }
    assertThat(together).filteredOn(request -> request.ended() == null).hasSize(2);
    assertThat(room.held()).isEqualTo(10 * 100 + 2 * 30 * (1_000 + 512));
  }

  @Test
  void aRequestIsGivenBackThoughItsClientDoesNotTakeTheAnswer() {
    HeldRequests requests = new HeldRequests(100_000, meters);
    Shares room = new Shares(100_000, false);
    HeldRequest request = new HeldRequest(requests, "a.Service/Method", Long.MAX_VALUE);
    assertThat(request.enter(room, "", 10, true)).isTrue();
    assertThat(request.objects(1_000)).isTrue();
    request.join(); // work for the call
    assertThat(room.held()).isEqualTo(1_010);
    request.leave();
    assertThat(room.held()).as("the call itself").isEqualTo(10);
    request.streamClosed(Status.OK);
    assertThat(room.held()).isZero();
  }

  @Test
  void aClientThatTakesNoAnswersHoldsNoRequests() throws Exception {
    MeshServer server = start(options(Optional.empty()));
    ScoreResponse longer = // than the client's window
        ScoreResponse.newBuilder()
            .setModelVersion(ModelVersion.newBuilder().setModel("s".repeat(200_000)))
            .build();
    work = () -> longer;
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port())
            .usePlaintext()
            .flowControlWindow(1 << 16)
            .build();
    try {
      List<ClientCall<ScoreRequest, ScoreResponse>> calls = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        ClientCall<ScoreRequest, ScoreResponse> call =
            channel.newCall(RewardServiceGrpc.getScoreMethod(), CallOptions.DEFAULT);
        call.start(new ClientCall.Listener<>() {}, new Metadata());
        call.sendMessage(named(LONG_NAME)); // no answer is asked for
        call.halfClose();
        calls.add(call);
        // both that may be under way are done
        while (held("callers") != (long) HeldRequests.CALL_BYTES * calls.size()) {
          Thread.onSpinWait();
        }
      }
      assertThat(server.callsUnderWay()).as("answers that nobody takes").isEqualTo(4);
    } finally {
      channel.shutdownNow();
    }
    awaitNothingHeld("callers");
  }

  @Test
  void whatIsGivenBackAfterTheEndIsNotGivenBackTwice() {
    HeldRequests requests = new HeldRequests(100_000, meters);
    Shares room = new Shares(100_000, false);
    HeldRequest request = new HeldRequest(requests, "a.Service/Method", Long.MAX_VALUE);
    assertThat(request.enter(room, "", 10, false)).isTrue();
    assertThat(request.objects(1_000)).isTrue();
    MessageRoom[] kept = new MessageRoom[1];
    request.filterContext(Context.ROOT).run(() -> kept[0] = MessageRoom.keep());
    assertThat(kept[0].bytes()).isEqualTo(1_000);
    request.delivered();
    assertThat(room.held()).as("kept").isEqualTo(1_010);

    request.join(); // work for the call
    request.streamClosed(Status.OK);
    assertThat(room.held()).isEqualTo(1_010);
    request.leave();
    assertThat(room.held()).isZero();
    kept[0].giveBack();
    assertThat(room.held()).isZero();
  }
}
