package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bad input gets one typed answer, and what stands beside it is answered all the same. */
class BadInputTest {
  private final TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void metadataThatIsWrongIsNamedByEveryCall() {
    RequestMetadata wrong = RequestMetadata.newBuilder().setTenant("a/b").build();
    String message =
        "metadata.tenant: a/b (allowed: at most 64 characters of [A-Za-z0-9._-], or empty)";

    assertMalformed(
        () -> reward.stub().score(request(item("", "p", "1")).setMetadata(wrong).build()), message);
    assertMalformed(
        () -> reward.stub().compare(compare("1", "2").setMetadata(wrong).build()), message);
    assertMalformed(
        () ->
            reward
                .stub()
                .listRewardModels(ListRewardModelsRequest.newBuilder().setMetadata(wrong).build()),
        message);
    assertMalformed(() -> stream(first(item("", "p", "1")).setMetadata(wrong)).end(), message);
  }

  @Test
  void textThatIsHalfACharacterFailsAloneAndNulIsTextLikeAnyOther() {
    ScoreResponse response =
        reward
            .stub()
            .score(
                request(item("", "p", "a\uD83D"), item("", "p\uDE00", "a"), item("", "p\0", "a\0"))
                    .build());

    assertThat(response.getResults(0).getFailure())
        .isEqualTo(
            invalid(
                "items[0].completion: character 1 is a lone surrogate (expected: valid UTF-8)"));
    assertThat(response.getResults(1).getFailure())
        .isEqualTo(
            invalid("items[1].prompt: character 1 is a lone surrogate (expected: valid UTF-8)"));
    assertThat(response.getResults(2).getMembers(0).getRawScore()).isEqualTo(2);
  }

  @Test
  void aTextOfAMebibyteFailsAloneAndNamesTheLimit() {
    ScoreResponse response =
        reward
            .stub()
            .score(
                request(
                        item("", "p", "a".repeat(1 << 20)),
                        item("", "é".repeat(1 << 19), "a"),
                        item("", "p", "aa"))
                    .build());

    assertThat(response.getResults(0).getFailure())
        .isEqualTo(tooLong("items[0].completion: 1,048,576 bytes, limit 65,536"));
    assertThat(response.getResults(1).getFailure())
        .isEqualTo(tooLong("items[1].prompt: 1,048,576 bytes, limit 65,536"));
    assertThat(response.getResults(2).getMembers(0).getRawScore()).isEqualTo(2);
    assertThat(response.getSampleMaskList()).containsExactly(false, false, true);
  }

  @Test
  void aComparisonWithoutOneSideSaysWhichAndInventsNoProbability() {
    CompareResponse empty = reward.stub().compare(compare("1", "").build());
    CompareResponse absent =
        reward.stub().compare(compare("1", "2").clearCompletionA().clearPrompt().build());

    assertThat(empty.hasProbabilityAPreferred()).isFalse();
    assertThat(empty.getResults(0).hasValue()).isTrue();
    assertThat(empty.getResults(1).getFailure())
        .isEqualTo(invalid("b.completion: empty (expected: at least one token)"));
    assertThat(absent.hasProbabilityAPreferred()).isFalse();
    assertThat(absent.getResults(0).getFailure())
        .isEqualTo(invalid("a.prompt: absent (expected: text or tokens)"));
  }

  @Test
  void whatNoComparisonCanBeMadeWithIsRefused() {
    for (double lambda : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      Aggregation aggregation = Aggregation.newBuilder().setUwoLambda(lambda).build();
      String message = "aggregation.uwo_lambda: " + lambda + " (expected: finite, ≥ 0)";
      assertMalformed(
          () -> reward.stub().compare(compare("1", "2").setAggregation(aggregation).build()),
          message);
      assertMalformed(
          () -> stream(first(item("", "p", "1")).setAggregation(aggregation)).end(), message);
    }
    ModelSelector.Builder nobody = ModelSelector.newBuilder().setModel("../../etc");
    assertUnknown(() -> reward.stub().compare(compare("1", "2").setRewardModel(nobody).build()));
    assertUnknown(() -> stream(first(item("", "p", "1")).setRewardModel(nobody)).end());
    assertUnknown(
        () -> reward.stub().score(request(item("", "p", "1")).setRewardModel(nobody).build()));
  }

  @Test
  void aStreamOfNothingEndsWell() throws Throwable {
    Collected answers = stream();

    assertThat(answers.end()).isTrue();
    assertThat(answers.received).isEmpty();
  }

  @Test
  void whatAStreamSentBeforeAnItemThatCannotBeToldApartIsAnswered() {
    for (ScoreItem bad : List.of(item("good", "p", "2"), item("i".repeat(129), "p", "2"))) {
      Collected answers =
          stream(
              first(item("good", "p", "1")),
              first(ScoreItem.getDefaultInstance()),
              first(bad),
              first(item("late", "p", "3")));

      assertMalformed(
          answers::end,
          bad.getItemId().equals("good")
              ? "item[2]: item_id 'good' is another item's too"
              : "item[2]: item_id: 129 characters (expected: at most 128)");
      assertThat(answers.received)
          .extracting(answer -> answer.getResult().getItemId())
          .containsExactly("good", "1");
      assertThat(answers.received.remove().getResult().hasValue()).isTrue();
      assertThat(answers.received.remove().getResult().getFailure())
          .isEqualTo(invalid("item[1].prompt: absent (expected: text or tokens)"));
    }
  }

  @Test
  void whatAStreamThatLeftHadSentIsNotScored() throws Exception {
    reward.ensembles.hold();
    Collected answers = new Collected();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(reward.channel()).scoreStream(answers);
    requests.onNext(first(item("a", "p", "1")).build());
    reward.ensembles.awaitHeld();
    requests.onNext(first(item("b", "leaves", "1")).build());

    answers.call().cancel("the client leaves", null);
    assertThatThrownBy(answers::end)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.CANCELLED));
    reward.ensembles.release();

    assertThat(
            reward.stub().score(request(item("", "after", "1")).build()).getResults(0).hasValue())
        .isTrue();
    assertThat(reward.ensembles.batches)
        .allSatisfy(
            batch ->
                assertThat(batch)
                    .noneSatisfy(
                        group -> assertThat(group.key().size()).isEqualTo("leaves".length())));
  }

  private Collected stream(ScoreStreamRequest.Builder... items) {
    Collected answers = new Collected();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(reward.channel()).scoreStream(answers);
    for (ScoreStreamRequest.Builder each : items) {
      requests.onNext(each.build());
    }
    requests.onCompleted();
    return answers;
  }

  private static ScoreStreamRequest.Builder first(ScoreItem item) {
    return ScoreStreamRequest.newBuilder().setItem(item);
  }

  private static ScoreRequest.Builder request(ScoreItem... items) {
    return ScoreRequest.newBuilder().addAllItems(List.of(items));
  }

  private static CompareRequest.Builder compare(String a, String b) {
    return CompareRequest.newBuilder()
        .setPrompt(text("p"))
        .setCompletionA(text(a))
        .setCompletionB(text(b));
  }

  private static ItemFailure tooLong(String message) {
    return ItemFailure.newBuilder()
        .setReason(FailureReason.FAILURE_REASON_TOO_LONG)
        .setMessage(message)
        .build();
  }

  private static ItemFailure invalid(String message) {
    return ItemFailure.newBuilder()
        .setReason(FailureReason.FAILURE_REASON_INVALID_INPUT)
        .setMessage(message)
        .build();
  }

  private static void assertMalformed(ThrowingCallable call, String message) {
    assertFails(
        call,
        e -> {
          assertThat(e.getStatus().getDescription()).isEqualTo(message);
          assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
          assertThat(PeerFaults.reason(e)).contains(Fault.MALFORMED_REQUEST);
        });
  }

  private static void assertUnknown(ThrowingCallable call) {
    assertFails(
        call,
        e -> {
          assertThat(e.getStatus().getDescription())
              .isEqualTo(
                  "reward_model.model: '../../etc': there is no reward ensemble of this name");
          assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
          assertThat(PeerFaults.reason(e)).contains(Fault.UNKNOWN_MODEL);
        });
  }

  private static void assertFails(
      ThrowingCallable call, Consumer<StatusRuntimeException> requirements) {
    assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, requirements);
  }

  /** What a stream answered. */
  private static final class Collected
      implements ClientResponseObserver<ScoreStreamRequest, ScoreStreamResponse> {
    private final BlockingQueue<ScoreStreamResponse> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private @Nullable ClientCallStreamObserver<ScoreStreamRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<ScoreStreamRequest> started) {
      call = started;
    }

    ClientCallStreamObserver<ScoreStreamRequest> call() {
      return java.util.Objects.requireNonNull(call);
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

    /** Waits for the end; throws what it ended with. */
    boolean end() throws Throwable {
      try {
        return ended.orTimeout(20, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        throw e.getCause();
      }
    }
  }
}
