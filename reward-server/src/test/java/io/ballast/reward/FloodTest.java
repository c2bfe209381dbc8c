package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import com.google.rpc.RetryInfo;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** More than a server can do: what it takes it does rightly, the rest it refuses at once. */
class FloodTest {
  private static final int CALLS = 400;
  private static final int STREAMED = 5_000;
  private static final int LONG = 32;
  private static final int LONG_TEXT = 512 << 10;

  private TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  private static ScoreRequest request(ScoreItem item) {
    return ScoreRequest.newBuilder().addItems(item).build();
  }

  @Test
  void aFloodIsRefusedWithATimeToWaitAndWhatWasTakenIsAnsweredRightly() throws Exception {
    reward.close();
    reward = TestReward.start(Map.of("queued-tokens", "200", "batch-tokens", "20"));
    reward.ensembles.hold();
    var stub = RewardServiceGrpc.newFutureStub(reward.channel());
    CountDownLatch refusals = new CountDownLatch(CALLS / 2);
    List<ListenableFuture<ScoreResponse>> calls = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      ListenableFuture<ScoreResponse> call =
          stub.score(request(item("", "p" + i, "a".repeat(1 + i % 9))));
      Futures.addCallback(call, new Refusals(refusals), MoreExecutors.directExecutor());
      calls.add(call);
    }
    refusals.await(); // while the engine holds its first batch: nobody who is refused waits
    assertThat(reward.waitingTokens()).isBetween(1, 200);
    reward.ensembles.release();

    int taken = 0;
    for (int i = 0; i < CALLS; i++) {
      try {
        assertThat(calls.get(i).get().getResults(0).getMembers(0).getRawScore())
            .isEqualTo(1 + i % 9);
        taken++;
      } catch (ExecutionException e) {
        assertRefused(e.getCause());
      }
    }
    assertThat(taken).isBetween(10, CALLS / 2);
    assertThat(reward.stub().score(request(item("", "after", "a"))).getResults(0).hasValue())
        .isTrue();
  }

  private record Refusals(CountDownLatch latch) implements FutureCallback<ScoreResponse> {
    @Override
    public void onSuccess(ScoreResponse response) {}

    @Override
    public void onFailure(Throwable thrown) {
      latch.countDown();
    }
  }

  private static void assertRefused(@Nullable Throwable thrown)
      throws InvalidProtocolBufferException {
    com.google.rpc.Status status =
        Objects.requireNonNull(StatusProto.fromThrowable(Objects.requireNonNull(thrown)));
    assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED.value());
    Any details =
        status.getDetailsList().stream()
            .filter(any -> any.is(RetryInfo.class))
            .findFirst()
            .orElseThrow();
    assertThat(Durations.toMillis(details.unpack(RetryInfo.class).getRetryDelay())).isPositive();
  }

  @Test
  void aClientThatStopsReadingIsHeldAndWhenItReadsAgainHasAllItsAnswers() throws Exception {
    Reader reader = new Reader();
    var unused = RewardServiceGrpc.newStub(reward.channel()).scoreStream(reader);
    ClientCallStreamObserver<ScoreStreamRequest> call = reader.call();

    int sent = 0;
    while (sent < STREAMED && reader.mayWrite()) {
      call.onNext(streamed(sent++));
    }
    assertThat(sent).as("items that the server takes unread").isLessThanOrEqualTo(1_024);
    int scored = reward.ensembles.batches.stream().mapToInt(batch -> batch.size()).sum();
    assertThat(scored).isLessThanOrEqualTo(sent);

    call.request(Integer.MAX_VALUE);
    Map<String, Double> answers = new HashMap<>();
    while (answers.size() < STREAMED) {
      while (sent < STREAMED && call.isReady()) {
        call.onNext(streamed(sent++));
      }
      if (sent == STREAMED) {
        call.onCompleted();
        sent++;
      }
      for (ScoreStreamResponse answer = reader.received.poll(10, TimeUnit.MILLISECONDS);
          answer != null;
          answer = reader.received.poll()) {
        answers.put(answer.getResult().getItemId(), answer.getResult().getMembers(0).getRawScore());
      }
    }
    assertThat(reader.ended.get()).isTrue();
    for (int i = 0; i < STREAMED; i++) {
      assertThat(answers).containsEntry("item-" + i, 1.0 + i % 9);
    }
  }

  @Test
  void aClientOfLongItemsIsHeldByTheirBytesAndHasAllItsAnswers() throws Exception {
    reward.close();
    reward = TestReward.start(Map.of("queued-tokens", "100000000", "max-text-bytes", "1048576"));
    reward.ensembles.hold();
    Reader reader = new Reader();
    var unused = RewardServiceGrpc.newStub(reward.channel()).scoreStream(reader);
    ClientCallStreamObserver<ScoreStreamRequest> call = reader.call();
    call.request(Integer.MAX_VALUE);

    int sent = 0;
    while (sent < LONG && reader.mayWrite()) {
      call.onNext(longItem(sent++));
    }
    // 4 MiB are 8 messages of 512 KiB and a little
    assertThat(sent).as("messages that the server takes unanswered").isLessThanOrEqualTo(8);

    reward.ensembles.release();
    for (; sent < LONG; sent++) {
      call.onNext(longItem(sent));
    }
    call.onCompleted();
    assertThat(reader.ended.get(60, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.received)
        .hasSize(LONG)
        .allSatisfy(
            answer ->
                assertThat(answer.getResult().getMembers(0).getRawScore()).isEqualTo(LONG_TEXT));
  }

  @Test
  void aClientIsHeldByWhatItsItemsTakeOfMemory() throws Exception {
    reward.close();
    reward = TestReward.start(Map.of("queued-tokens", "100000000", "max-text-bytes", "1048576"));
    reward.ensembles.hold();
    MeshServer mesh =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            reward.services(),
            new SimpleMeterRegistry(),
            OpenTelemetry.noop(),
            System::nanoTime);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", mesh.port()).usePlaintext().build();
    try {
      Reader reader = new Reader();
      var unused = RewardServiceGrpc.newStub(channel).scoreStream(reader);
      int sent = 0;
      while (sent < LONG && reader.mayWrite()) {
        // with one character that is not ASCII each takes two bytes
        call(reader, "→" + "a".repeat(LONG_TEXT), sent++);
      }
      // four are 4 MiB; two more are within the connection's window, and one or two wait here
      assertThat(sent).as("messages of 1 MiB that leave the client").isLessThanOrEqualTo(8);
    } finally {
      channel.shutdownNow();
      reward.ensembles.release();
      mesh.close();
    }
  }

  private static void call(Reader reader, String text, int index) {
    reader
        .call()
        .onNext(
            ScoreStreamRequest.newBuilder()
                .setItem(item("item-" + index, "p" + index, text))
                .build());
  }

  private static ScoreStreamRequest longItem(int index) {
    return ScoreStreamRequest.newBuilder()
        .setItem(item("item-" + index, "p" + index, "a".repeat(LONG_TEXT)))
        .build();
  }

  @Test
  void streamsThatSayNothingKeepNobodyOut() throws Exception {
    List<Reader> quiet = new ArrayList<>();
    for (int i = 0; i <= TestReward.MAX_CALLS; i++) {
      Reader reader = new Reader();
      var unused = RewardServiceGrpc.newStub(reward.channel()).scoreStream(reader);
      reader.call().request(Integer.MAX_VALUE);
      reader.call().onNext(streamed(i));
      assertThat(reader.received.poll(20, TimeUnit.SECONDS)).as("stream %d", i).isNotNull();
      quiet.add(reader);
    }

    assertThat(reward.stub().score(request(item("", "p", "a"))).getResults(0).hasValue()).isTrue();
    Reader first = quiet.getFirst();
    first.call().onNext(streamed(TestReward.MAX_CALLS + 1));
    assertThat(first.received.poll(20, TimeUnit.SECONDS)).as("a second item").isNotNull();
    for (Reader reader : quiet) {
      reader.call().onCompleted();
      assertThat(reader.ended.get(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static ScoreStreamRequest streamed(int index) {
    return ScoreStreamRequest.newBuilder()
        .setItem(item("item-" + index, "p", "a".repeat(1 + index % 9)))
        .build();
  }

  /** Reads nothing until it is asked to. */
  private static final class Reader
      implements ClientResponseObserver<ScoreStreamRequest, ScoreStreamResponse> {
    private final BlockingQueue<ScoreStreamResponse> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private final Semaphore ready = new Semaphore(0);
    private @Nullable ClientCallStreamObserver<ScoreStreamRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<ScoreStreamRequest> started) {
      call = started;
      started.disableAutoRequestWithInitial(0);
      started.setOnReadyHandler(ready::release);
    }

    ClientCallStreamObserver<ScoreStreamRequest> call() {
      return Objects.requireNonNull(call);
    }

    /** Whether the server takes another item, soon. */
    boolean mayWrite() throws InterruptedException {
      while (!call().isReady()) {
        ready.drainPermits();
        if (!call().isReady() && !ready.tryAcquire(500, TimeUnit.MILLISECONDS)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public void onNext(ScoreStreamResponse response) {
      received.add(response);
    }

    @Override
    public void onError(Throwable error) {
      ended.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      ended.complete(true);
    }
  }
}
