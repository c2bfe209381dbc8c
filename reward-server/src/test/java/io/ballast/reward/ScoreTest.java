package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.DistributionSummary;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What Score promises. A completion of n characters has the raw scores n, 2n, 3n; the scales make
 * them n/2, n − 1/2 and 3n/2 − 1.
 */
class ScoreTest {
  private TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void aRewardIsTheLowestNormalisedMemberUnlessOtherwiseAsked() {
    ScoreResponse response = score(item("x", "int a", "= 1;"));

    // n = 4: 2, 3.5, 5
    ScoreResult result = response.getResults(0);
    assertThat(result.getItemId()).isEqualTo("x");
    assertThat(result.getValue()).isEqualTo(2.0);
    assertThat(result.getSpread()).isCloseTo(Math.sqrt(1.5), within(1e-12));
    assertThat(result.getMembersList())
        .extracting(m -> m.getRawScore())
        .containsExactly(4., 8., 12.);
    assertThat(result.getMembersList())
        .extracting(m -> m.getNormalisedScore())
        .containsExactly(2., 3.5, 5.);
    assertThat(result.getMembers(2).getModelVersion().getModel()).isEqualTo("java-reward/2");
    assertThat(response.getSampleMaskList()).containsExactly(true);
    assertThat(response.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_WCO);
    assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo("1".repeat(64));
    assertThat(response.getTiming().getTotalDuration().getNanos()).isPositive();
  }

  @Test
  void whatIsScoredIsCountedWithItsSpreadAndItsPhases() {
    score(item("x", "int a", "= 1;"), item("y", "int a", ""));

    assertThat(items("value")).isEqualTo(1);
    assertThat(items("invalid_input")).isEqualTo(1);
    DistributionSummary spread =
        reward.meters().get("ballast.reward.spread").tag("model", "java-reward").summary();
    assertThat(spread.count()).isEqualTo(1);
    assertThat(spread.totalAmount()).isCloseTo(Math.sqrt(1.5), within(1e-12));
    assertThat(reward.meters().get("ballast.reward.phase").tag("phase", "infer").timer().count())
        .isEqualTo(1);
  }

  private double items(String outcome) {
    return reward
        .meters()
        .get("ballast.reward.items")
        .tags("model", "java-reward", "outcome", outcome)
        .counter()
        .count();
  }

  @Test
  void meanAndUncertaintyWeightedAreThePapersFormulas() {
    // 2, 3.5, 5: mean 3.5, variance 1.5
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_MEAN, null)).isEqualTo(3.5);
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_UWO, 2.0)).isEqualTo(3.5 - 2 * 1.5);
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_UWO, 0.0)).isEqualTo(3.5);
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_UWO, null)).isEqualTo(3.5 - 0.5 * 1.5);
  }

  @Test
  void medianQuantileAndTheOtherFormOfUncertaintyWeighted() {
    // 2, 3.5, 5: h = 2q, so 2.75 at 1/4 and 2.3 at .1; variance 4.5/(3 − 1) = 2.25
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_MEDIAN, null)).isEqualTo(3.5);
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_LOWER_QUANTILE, null)).isEqualTo(2.75);
    assertThat(value(AggregationMethod.AGGREGATION_METHOD_UWO_SAMPLE, 2.0))
        .isEqualTo(3.5 - 2 * 2.25);
    ScoreResponse tenth =
        reward
            .stub()
            .score(
                request(item("", "p", "1234")).toBuilder()
                    .setAggregation(
                        Aggregation.newBuilder()
                            .setMethod(AggregationMethod.AGGREGATION_METHOD_LOWER_QUANTILE)
                            .setQuantile(.1))
                    .build());
    assertThat(tenth.getResults(0).getValue()).isCloseTo(2.3, within(1e-12));
    assertThat(tenth.getAggregation().getQuantile()).isEqualTo(.1);
    assertThat(tenth.getAggregation().hasUwoLambda()).isFalse();
  }

  @Test
  void anEmptyPromptIsScoredAfterTheTokenThatEndsAText() {
    assertThat(score(item("", "", "int")).getResults(0).hasValue()).isTrue();
    assertThat(reward.ensembles.batches.getFirst().getFirst().key().toArray()).containsExactly(0);
  }

  @Test
  void completionsOfOnePromptGoTogether() {
    score(item("a", "p", "1"), item("b", "q", "2"), item("c", "p", "33"));

    assertThat(reward.ensembles.batches).hasSize(1);
    assertThat(reward.ensembles.batches.getFirst())
        .extracting(group -> group.items().size())
        .containsExactly(2, 1);
  }

  @Test
  void oneBadItemFailsAloneAndIsNeverZero() {
    ScoreItem vocabulary =
        ScoreItem.newBuilder()
            .setPrompt(text("p"))
            .setCompletion(
                TextOrTokens.newBuilder()
                    .setTokens(TokenSequence.newBuilder().addTokenIds(5).addTokenIds(70_000)))
            .build();
    ScoreResponse response =
        score(
            item("good", "p", "ok"),
            item("empty", "p", ""),
            item("bytes", "p", "é".repeat(40_000)),
            vocabulary,
            ScoreItem.newBuilder().setItemId("absent").setCompletion(text("x")).build(),
            item("model", "p", "X"));

    assertThat(response.getSampleMaskList())
        .containsExactly(true, false, false, false, false, false);
    assertThat(response.getResults(0).getValue()).isEqualTo(1.0);
    assertFailure(
        response, 1, FailureReason.FAILURE_REASON_INVALID_INPUT, "items[1].completion: empty");
    assertFailure(response, 2, FailureReason.FAILURE_REASON_TOO_LONG, "80,000 bytes, limit 65,536");
    assertFailure(
        response,
        3,
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "items[3].completion.token_ids[1]: 70000 (expected: 0 to 65,535)");
    assertFailure(
        response, 4, FailureReason.FAILURE_REASON_INVALID_INPUT, "items[4].prompt: absent");
    assertFailure(response, 5, FailureReason.FAILURE_REASON_TOO_LONG, "999 tokens");
    assertThat(response.getResults(3).getItemId()).isEqualTo("3");
  }

  @Test
  void aMemberWithoutANumberLosesTheQuorumOfAll() {
    ScoreResponse response =
        score(item("nan", "p", "N"), item("error", "p", "E"), item("late", "p", "L"));

    assertFailure(
        response,
        0,
        FailureReason.FAILURE_REASON_QUORUM_LOST,
        "2 of 3 members answered, quorum 3; member 1: java-reward/1: score NaN");
    assertFailure(response, 1, FailureReason.FAILURE_REASON_QUORUM_LOST, "member 1: it crashed");
    assertFailure(
        response, 2, FailureReason.FAILURE_REASON_QUORUM_LOST, "member 2: no score after");
    assertThat(response.getResults(0).getMembers(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(response.getResults(0).getMembers(0).getRawScore()).isEqualTo(1);
    assertThat(response.getResults(2).getMembers(2).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
  }

  @Test
  void anEngineThatThrowsIsAModelError() {
    assertFailure(
        score(item("", "p", "T")), 0, FailureReason.FAILURE_REASON_MODEL_ERROR, "out of memory");
    assertThat(score(item("", "p", "ok")).getResults(0).hasValue()).isTrue();
  }

  @Test
  void whatCannotBeARequestIsRefusedByName() {
    assertRefused(
        ScoreRequest.getDefaultInstance(), Status.Code.INVALID_ARGUMENT, "items: 0 items");
    ScoreRequest.Builder many = ScoreRequest.newBuilder();
    for (int i = 0; i < 4_097; i++) {
      many.addItems(item("", "p", "c"));
    }
    assertRefused(
        many.build(), Status.Code.INVALID_ARGUMENT, "items: 4,097 items (expected: 1 to 4,096)");
    assertRefused(
        request(item("a", "p", "1"), item("a", "p", "2")),
        Status.Code.INVALID_ARGUMENT,
        "items[1].item_id: 'a' is another item's too");
    assertRefused(
        request(item("1", "p", "1"), item("", "p", "2")),
        Status.Code.INVALID_ARGUMENT,
        "items[1].item_id: '1' is another item's too");
    assertRefused(
        request(item("i".repeat(129), "p", "1")),
        Status.Code.INVALID_ARGUMENT,
        "items[0].item_id: 129 characters (expected: at most 128)");
    assertRefused(
        request(item("", "p", "1")).toBuilder()
            .setAggregation(Aggregation.newBuilder().setUwoLambda(-1))
            .build(),
        Status.Code.INVALID_ARGUMENT,
        "aggregation.uwo_lambda: -1.0");
    assertRefused(
        request(item("", "p", "1")).toBuilder()
            .setAggregation(Aggregation.newBuilder().setQuantile(.6))
            .build(),
        Status.Code.INVALID_ARGUMENT,
        "aggregation.quantile: 0.6 (expected: above 0, at most 0.5)");
    assertRefused(
        request(item("", "p", "1")).toBuilder()
            .setAggregation(Aggregation.newBuilder().setMethodValue(77))
            .build(),
        Status.Code.INVALID_ARGUMENT,
        "aggregation.method: unknown");
  }

  @Test
  void anUnknownModelVersionOrAliasIsNotFound() {
    ScoreRequest request = request(item("", "p", "1"));
    assertRefused(
        request.toBuilder().setRewardModel(ModelSelector.newBuilder().setModel("nope")).build(),
        Status.Code.NOT_FOUND,
        "reward_model.model: 'nope'");
    assertRefused(
        request.toBuilder().setRewardModel(ModelSelector.newBuilder().setVersion("9")).build(),
        Status.Code.NOT_FOUND,
        "reward_model.version: '9'");
    assertRefused(
        request.toBuilder().setRewardModel(ModelSelector.newBuilder().setAlias("old")).build(),
        Status.Code.NOT_FOUND,
        "reward_model.alias: 'old'");
    assertRefused(
        request.toBuilder().setRewardModel(ModelSelector.newBuilder().setVersion("2")).build(),
        Status.Code.DATA_LOSS,
        "SHA-256 differs");
  }

  @Test
  void aDeadlineThatIsNearGivesTypedFailuresInTime() {
    reward.ensembles.hold();
    restartReserve();

    ScoreResponse response =
        reward
            .stub()
            .withDeadlineAfter(2, TimeUnit.SECONDS)
            .score(request(item("", "p", "ok"), item("", "p", "")));

    assertFailure(response, 0, FailureReason.FAILURE_REASON_DEADLINE, "no answer after");
    assertFailure(response, 1, FailureReason.FAILURE_REASON_INVALID_INPUT, "empty");
  }

  @Test
  void whatACallerNoLongerWaitsForIsNotScored() throws Exception {
    reward.ensembles.hold();
    var first =
        RewardServiceGrpc.newFutureStub(reward.channel()).score(request(item("", "p", "1")));
    reward.ensembles.awaitHeld();
    var second =
        RewardServiceGrpc.newFutureStub(reward.channel()).score(request(item("", "gone", "1")));
    awaitWaiting(5);
    second.cancel(true);
    awaitWaiting(0);

    reward.ensembles.release();
    assertThat(first.get().getResults(0).hasValue()).isTrue();
    score(item("", "after", "1"));
    assertThat(reward.ensembles.batches)
        .allSatisfy(
            batch ->
                assertThat(batch)
                    .noneSatisfy(group -> assertThat(group.key().size()).isEqualTo(4)));
  }

  @Test
  void aFullQueueRefusesAtOnceAndUrgentWorkGoesFirst() throws Exception {
    restart(Map.of("queued-tokens", "6", "batch-tokens", "1"));
    reward.ensembles.hold();
    var stub = RewardServiceGrpc.newFutureStub(reward.channel());
    var held = stub.score(request(item("", "h", "1")));
    reward.ensembles.awaitHeld();
    var trainer =
        stub.score(
            request(item("", "t", "1")).toBuilder()
                .setMetadata(RequestMetadata.newBuilder().setPriority(Priority.PRIORITY_TRAINER))
                .build());
    awaitWaiting(2);
    var person = stub.score(request(item("", "p", "1")));
    awaitWaiting(4);

    assertRefused(
        request(item("", "much", "too much")), Status.Code.RESOURCE_EXHAUSTED, "2 tokens wait");
    reward.ensembles.release();
    held.get();
    trainer.get();
    person.get();
    assertThat(reward.ensembles.batches)
        .extracting(batch -> (char) batch.getFirst().key().get(0))
        .containsExactly('h', 'p', 't');
  }

  @Test
  void callersShareABatch() throws Exception {
    reward.ensembles.hold();
    var stub = RewardServiceGrpc.newFutureStub(reward.channel());
    var held = stub.score(request(item("", "h", "1")));
    reward.ensembles.awaitHeld();
    var one = stub.score(request(item("", "p", "1")));
    var two = stub.score(request(item("", "p", "22")));
    awaitWaiting(5);
    reward.ensembles.release();

    held.get();
    assertThat(one.get().getResults(0).getMembers(0).getRawScore()).isEqualTo(1);
    assertThat(two.get().getResults(0).getMembers(0).getRawScore()).isEqualTo(2);
    assertThat(reward.ensembles.batches).hasSize(2);
    assertThat(reward.ensembles.batches.get(1)).hasSize(1);
    assertThat(reward.ensembles.batches.get(1).getFirst().items()).hasSize(2);
  }

  @Test
  void comparisonIsTheMeanBradleyTerryProbabilityOverTheMembers() {
    CompareResponse response = reward.stub().compare(compare("12", "1"));

    // raw differences 1, 2, 3
    double expected = (sigmoid(1) + sigmoid(2) + sigmoid(3)) / 3;
    assertThat(response.getProbabilityAPreferred()).isCloseTo(expected, within(1e-12));
    assertThat(response.getMembersPreferringA()).isEqualTo(3);
    assertThat(response.getMembersCount()).isEqualTo(3);
    assertThat(response.getMemberPreferencesList())
        .extracting(member -> member.getProbabilityAPreferred())
        .containsExactly(sigmoid(1), sigmoid(2), sigmoid(3));
    assertThat(response.getMemberPreferences(2).getModelVersion().getModel())
        .isEqualTo("java-reward/2");
    // n/2 and n/2 − 1/2 apart under WCO; every scale has a deviation of 2, so log-odds of 1
    assertThat(response.getProbabilityAPreferredByRewards())
        .isCloseTo(sigmoid(2 * .5), within(1e-12));
    assertThat(response.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_WCO);
    assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo("1".repeat(64));
    assertThat(response.getQuorum()).isEqualTo(3);
    CompareResponse broken = reward.stub().compare(compare("12", "N"));
    assertThat(broken.hasProbabilityAPreferred()).isFalse();
    assertThat(broken.getMembersCount()).isEqualTo(2);
    assertThat(broken.hasProbabilityAPreferredByRewards()).isFalse();
    assertThat(broken.getMemberPreferences(1).hasProbabilityAPreferred()).isFalse();
    assertThat(broken.getMemberPreferences(2).hasProbabilityAPreferred()).isTrue();
  }

  @Test
  void theListNamesMembersScalesAndQuorum() {
    List<RewardEnsemble> ensembles =
        reward
            .stub()
            .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
            .getEnsemblesList();

    assertThat(ensembles)
        .extracting(e -> e.getModelVersion().getVersion())
        .containsExactly("1", "2");
    assertThat(ensembles.getFirst().getQuorum()).isEqualTo(3);
    assertThat(ensembles.getFirst().getHeldOutAccuracy()).isEqualTo(0.75);
    assertThat(ensembles.getFirst().getMembers(1).getScoreMean()).isEqualTo(1);
    assertThat(ensembles.getFirst().getMembers(1).getScoreStd()).isEqualTo(2);
  }

  @Test
  void aStreamAnswersEachItemById() throws Exception {
    Collected answers = new Collected();
    StreamObserver<ScoreStreamRequest> stream =
        RewardServiceGrpc.newStub(reward.channel()).scoreStream(answers);
    for (int i = 1; i <= 300; i++) {
      stream.onNext(
          ScoreStreamRequest.newBuilder()
              .setItem(item("i" + i, "p", i == 7 ? "" : "x".repeat(i)))
              .build());
    }
    stream.onCompleted();
    answers.ended.get(20, TimeUnit.SECONDS);

    assertThat(answers.received).hasSize(300);
    assertThat(answers.received)
        .allSatisfy(
            answer -> {
              int i = Integer.parseInt(answer.getResult().getItemId().substring(1));
              assertThat(answer.getResult().hasFailure()).isEqualTo(i == 7);
              if (i != 7) {
                assertThat(answer.getResult().getMembers(0).getRawScore()).isEqualTo(i);
              }
            });
  }

  @Test
  void aStreamRefusesAnIdThatItHasSeen() {
    Collected answers = new Collected();
    StreamObserver<ScoreStreamRequest> stream =
        RewardServiceGrpc.newStub(reward.channel()).scoreStream(answers);
    stream.onNext(ScoreStreamRequest.newBuilder().setItem(item("a", "p", "1")).build());
    stream.onNext(ScoreStreamRequest.newBuilder().setItem(item("a", "p", "2")).build());
    stream.onCompleted();

    assertThatThrownBy(() -> answers.ended.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("item[1]: item_id 'a' is another item's too");
  }

  private static final class Collected implements StreamObserver<ScoreStreamResponse> {
    private final BlockingQueue<ScoreStreamResponse> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

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

  private void awaitWaiting(int tokens) throws InterruptedException {
    while (reward.waitingTokens() != tokens) {
      Thread.onSpinWait();
    }
  }

  private void restart(Map<String, String> properties) {
    reward.close();
    reward = TestReward.start(properties);
  }

  private void restartReserve() {
    restart(Map.of("deadline-reserve", "PT1.9S"));
    reward.ensembles.hold();
  }

  private double value(AggregationMethod method, @Nullable Double lambda) {
    Aggregation.Builder aggregation = Aggregation.newBuilder().setMethod(method);
    if (lambda != null) {
      aggregation.setUwoLambda(lambda);
    }
    return reward
        .stub()
        .score(request(item("", "p", "1234")).toBuilder().setAggregation(aggregation).build())
        .getResults(0)
        .getValue();
  }

  private static CompareRequest compare(String a, String b) {
    return CompareRequest.newBuilder()
        .setPrompt(text("p"))
        .setCompletionA(text(a))
        .setCompletionB(text(b))
        .build();
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private ScoreResponse score(ScoreItem... items) {
    return reward.stub().score(request(items));
  }

  private static ScoreRequest request(ScoreItem... items) {
    return ScoreRequest.newBuilder().addAllItems(List.of(items)).build();
  }

  private void assertRefused(ScoreRequest request, Status.Code code, String message) {
    assertThatThrownBy(() -> reward.stub().score(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
        .hasMessageContaining(message);
  }

  private static void assertFailure(
      ScoreResponse response, int index, FailureReason reason, String message) {
    ItemFailure failure = response.getResults(index).getFailure();
    assertThat(failure.getReason()).isEqualTo(reason);
    assertThat(failure.getMessage()).contains(message);
    assertThat(response.getResults(index).hasValue()).isFalse();
  }
}
