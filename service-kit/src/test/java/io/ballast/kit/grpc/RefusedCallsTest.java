package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.resilience.LimitSettings;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The log has who is refused and why, in as many lines as there are minutes, not calls. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RefusedCallsTest extends MeshServerCase {
  private static final String SCORE = "ballast.reward.v1.RewardService/Score";
  private static final RefusedCalls.Example SOMEBODY =
      new RefusedCalls.Example("web", "10.0.0.7", "r1", "slow down");

  private final AtomicLong nanos = new AtomicLong();
  private final RefusedCalls refused = new RefusedCalls(nanos::get);
  private final Recorded log = Recorded.of(RefusedCalls.LOGGER);

  @AfterEach
  void stopRecording() {
    refused.close();
    log.stop();
  }

  private void come(int calls, String tenant) {
    for (int i = 0; i < calls; i++) {
      refused.count(new RefusedCalls.Kind("max_calls", SCORE, tenant), SOMEBODY);
    }
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
    refused.look();
  }

  private static String line(String tenant, int calls, int seconds) {
    return ("INFO reason=max_calls method=%s tenant=%s count=%d seconds=%d principal=web"
            + " from=10.0.0.7 request_id=r1 refused, the last: slow down")
        .formatted(SCORE, tenant, calls, seconds);
  }

  @Test
  void theFirstIsToldAtOnceAndTheOthersTogetherOnceAMinute() {
    come(1_000, "shop");
    assertThat(log.messages).containsExactly(line("shop", 1, 0));

    pass(Duration.ofSeconds(59));
    assertThat(log.messages).hasSize(1);
    pass(Duration.ofSeconds(1));
    assertThat(log.messages).containsExactly(line("shop", 1, 0), line("shop", 999, 60));
  }

  @Test
  void oneThatComesAfterAMinuteIsToldWithThoseBefore() {
    come(3, "shop");
    nanos.addAndGet(Duration.ofSeconds(75).toNanos());
    come(1, "shop");

    assertThat(log.messages).containsExactly(line("shop", 1, 0), line("shop", 3, 75));
  }

  @Test
  void tenantsAreToldApartAndOneThatIsQuietIsForgotten() {
    come(1, "shop");
    come(1, "bank");
    pass(Duration.ofMinutes(1));
    come(1, "shop");

    assertThat(log.messages)
        .as("begins anew: at once, with nothing to count from")
        .containsExactly(line("shop", 1, 0), line("bank", 1, 0), line("shop", 1, 0));
  }

  @Test
  void whoeverInventsTenantsFillsNeitherMemoryNorTheLog() {
    for (int i = 0; i < RefusedCalls.MOST_KINDS + 500; i++) {
      come(1, "t" + i);
    }

    assertThat(log.messages).hasSize(RefusedCalls.MOST_KINDS + 1);
    assertThat(log.messages.getLast())
        .startsWith("INFO reason=max_calls method=other tenant=other count=1 seconds=0");
    pass(Duration.ofMinutes(1));
    assertThat(log.messages).hasSize(RefusedCalls.MOST_KINDS + 2);
    assertThat(log.messages.getLast())
        .startsWith("INFO reason=max_calls method=other tenant=other count=499 seconds=60");
  }

  @Test
  void aStopTellsWhatWasNotToldYet() {
    come(8, "shop");
    nanos.addAndGet(Duration.ofSeconds(2).toNanos());
    refused.close();

    assertThat(log.messages).containsExactly(line("shop", 1, 0), line("shop", 7, 2));
  }

  @Test
  void aCallBeyondMaxCallsIsToldWithTheTenantThatItsRequestNames() throws Exception {
    MeshServer server = start(MeshServer.Options.loopback(0));
    var release = new CountDownLatch(1);
    hold(server, 2, release);
    assertThatThrownBy(() -> rewards(server).score(of("shop")))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED");
    release.countDown();

    assertThat(log.messages)
        .singleElement()
        .asString()
        .startsWith("INFO reason=max_calls method=" + SCORE + " tenant=shop count=1 seconds=0")
        .contains(" principal=- from=127.0.0.1 request_id=")
        .endsWith(" refused, the last: 2 calls are under way, the limit; slow down");
  }

  @Test
  void aCallBeyondTheLimitOfItsLaneIsTold() throws Exception {
    LimitSettings one =
        new LimitSettings(
            1, 1, 16, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(5));
    MeshServer server = start(MeshServer.Options.loopback(0), Optional.of(one), nanos::get);
    var release = new CountDownLatch(1);
    hold(server, 1, release);
    assertThatThrownBy(() -> rewards(server).score(of("")))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED");
    release.countDown();

    assertThat(log.messages)
        .singleElement()
        .asString()
        .startsWith("INFO reason=concurrency_limit method=" + SCORE + " tenant=default count=1");
  }

  @Test
  void whoShowsNothingAndWhoHasNoTimeAreTold() {
    MeshServer.Options plain = MeshServer.Options.loopback(0);
    MeshServer server =
        start(
            new MeshServer.Options(
                plain.host(),
                0,
                plain.maxMessageBytes(),
                Duration.ofMinutes(1),
                plain.drain(),
                false,
                Optional.of("s3cret")));
    assertThatThrownBy(() -> rewards(server).score(of("shop")))
        .hasMessageStartingWith("DEADLINE_EXCEEDED");
    assertThatThrownBy(() -> RewardServiceGrpc.newBlockingStub(channel(server)).score(of("shop")))
        .hasMessageStartingWith("UNAUTHENTICATED");

    assertThat(log.messages).hasSize(2);
    assertThat(log.messages.getFirst())
        .startsWith("INFO reason=deadline_floor method=" + SCORE + " tenant=- count=1")
        .endsWith("the deadline leaves less than 60000 ms, too short to begin; nothing was done");
    assertThat(log.messages.getLast())
        .startsWith("INFO reason=unauthenticated method=" + SCORE + " tenant=- count=1");
  }

  /** Answers the items of a stream that are called late with the refusal of a full queue. */
  private static final class FullQueue extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ScoreStreamRequest request) {
          ScoreStreamResponse.Builder answer = ScoreStreamResponse.newBuilder();
          if (request.getItem().getItemId().equals("late")) {
            answer
                .getResultBuilder()
                .getFailureBuilder()
                .setReason(FailureReason.FAILURE_REASON_OVERLOADED)
                .setMessage("the server there refuses: what I wrote");
          }
          observer.onNext(answer.build());
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {
          observer.onCompleted();
        }
      };
    }
  }

  private static ScoreStreamRequest item(String id, String tenant) {
    return ScoreStreamRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
        .setItem(ScoreItem.newBuilder().setItemId(id))
        .build();
  }

  @Test
  void anItemOfAStreamThatIsRefusedForLoadIsToldWithTheTenantOfTheFirst() throws Exception {
    MeshServer server =
        start(MeshServer.Options.loopback(0), Optional.empty(), nanos::get, new FullQueue());
    CompletableFuture<Integer> answers = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> items =
        RewardServiceGrpc.newStub(channel(server))
            .scoreStream(
                new StreamObserver<>() {
                  private int seen;

                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    seen++;
                  }

                  @Override
                  public void onError(Throwable error) {
                    answers.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    answers.complete(seen);
                  }
                });
    items.onNext(item("soon", "shop"));
    items.onNext(item("late", ""));
    items.onNext(item("late", ""));
    items.onCompleted();

    assertThat(answers.get(30, TimeUnit.SECONDS)).isEqualTo(3);
    assertThat(log.messages)
        .as("the second is counted with those that follow")
        .singleElement()
        .asString()
        .startsWith(
            "INFO reason=stream_item method=ballast.reward.v1.RewardService/ScoreStream tenant=shop"
                + " count=1 seconds=0")
        .endsWith(" refused, the last: an item of the stream, for load; its answer says why");
  }

  @Test
  void aRequestOfAnotherProtocolIsToldAsCallsAre() {
    MeshServer server = start(MeshServer.Options.loopback(0), Optional.empty(), nanos::get);
    server.tellRefused(
        "unauthenticated",
        "/get_reward",
        Optional.of(InetAddress.ofLiteral("2001:db8:0:1::7")),
        "401 Unauthorized");
    server.tellRefused("forbidden", "/", Optional.empty(), "403 Forbidden");

    assertThat(log.messages)
        .containsExactly(
            "INFO reason=unauthenticated method=/get_reward tenant=- count=1 seconds=0 principal=-"
                + " from=20010db800000001/64 request_id=- refused, the last: 401 Unauthorized",
            "INFO reason=forbidden method=/ tenant=- count=1 seconds=0 principal=- from=-"
                + " request_id=- refused, the last: 403 Forbidden");
  }

  @Test
  void whatIsAnsweredAndWhatIsMalformedIsNotTold() {
    MeshServer server = start(MeshServer.Options.loopback(0));
    rewards(server).score(of("shop"));
    assertThatThrownBy(() -> rewards(server).score(of("no tenant\n")))
        .hasMessageStartingWith("INVALID_ARGUMENT");

    assertThat(log.messages).isEmpty();
  }

  /** Has so many calls wait inside, each for the release. */
  private void hold(MeshServer server, int calls, CountDownLatch release) throws Exception {
    CountDownLatch inside = new CountDownLatch(calls);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    var stub = RewardServiceGrpc.newFutureStub(channel(server));
    for (int i = 0; i < calls; i++) {
      var unused = stub.score(of("held"));
    }
    inside.await();
  }

  private static ScoreRequest of(String tenant) {
    return ScoreRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
        .build();
  }
}
