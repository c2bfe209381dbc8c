package io.ballast.reward;

import static io.ballast.reward.testing.Composites.LEARNED;
import static io.ballast.reward.testing.Composites.composite;
import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.Recipe;
import io.ballast.reward.component.RecipeReader;
import io.ballast.reward.testing.Composites;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardComposite;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What a composite promises over the wire. The learned part gives a completion of n characters n/2
 * (WCO) or n − 1/2 (the mean); letters in it make trouble, as {@link
 * io.ballast.reward.testing.FakeEnsembles} says.
 */
class CompositeTest {
  private final List<Composite> composites = new CopyOnWriteArrayList<>();
  private final TestReward reward = start();

  private TestReward start() {
    composites.add(
        composite(
            "mix",
            "{'taste': "
                + LEARNED
                + ", 'digits': {'kind': 'regex', 'pattern': '[0-9]'},"
                + " 'answer': {'kind': 'exact'},"
                + " 'length': {'kind': 'length', 'unit': 'tokens', 'tokens_of': 'taste', 'free': 4,"
                + " 'limit': 8}}",
            "{'sum': [{'weight': 2, 'of': 'taste'}, {'weight': 0.5, 'of': 'digits'}, {'weight': 1,"
                + " 'of': {'gate': 'answer', 'then': 10, 'else': -10}}, {'weight': 3, 'of':"
                + " 'length'}]}"));
    return TestReward.start(Map.of("deadline-reserve", "PT4.9S"), composites);
  }

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void theAnswerIsTheExpressionOfWhatEachComponentSaid() {
    ScoreResponse response = score("mix", asked("x1", "x1"), asked("123456", "x1"));

    // n = 2: 2 · 1 + .5 · 1 + 10 + 3 · 0
    ScoreResult right = response.getResults(0);
    assertThat(right.getValue()).isCloseTo(12.5, within(1e-12));
    assertThat(right.hasSpread()).isFalse();
    assertThat(right.getMembersList()).isEmpty();
    assertThat(right.getComponentsList())
        .extracting(ComponentScore::getName)
        .containsExactly("taste", "digits", "answer", "length");
    assertThat(right.getComponentsList())
        .extracting(ComponentScore::getValue)
        .containsExactly(1., 1., 1., 0.);
    assertThat(right.getComponentsList())
        .extracting(ComponentScore::getWeight)
        .containsExactly(2., .5, 1., 3.);
    assertThat(right.getComponents(3).getDetail()).isEqualTo("2 tokens");
    assertThat(right.getComponentsList()).allMatch(each -> each.getDuration().getNanos() > 0);
    // n = 6: 2 · 3 + .5 − 10 − 3 · (6 − 4) / 4
    assertThat(response.getResults(1).getValue()).isCloseTo(-5, within(1e-12));
    assertThat(response.getSampleMaskList()).containsExactly(true, true);
    assertThat(response.getModelVersion().getModel()).isEqualTo("mix");
    assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo("c".repeat(64));
    assertThat(response.hasAggregation()).isFalse();
    assertThat(response.getQuorum()).isZero();
  }

  @Test
  void theLearnedPartTellsItsMembersAndIsOneBatch() {
    ScoreResponse response = score("mix", asked("1234", "x"), asked("12", "x"));

    ComponentScore taste = response.getResults(0).getComponents(0);
    assertThat(taste.getMembersList())
        .extracting(member -> member.getNormalisedScore())
        .containsExactly(2., 3.5, 5.);
    assertThat(taste.getSpread()).isCloseTo(Math.sqrt(1.5), within(1e-12));
    assertThat(reward.ensembles.batches).hasSize(1);
  }

  @Test
  void aComponentThatFailsFailsTheItemByName() {
    ScoreResponse response = score("mix", item("", "p", "x1"), asked("XN", "x"), asked("x1", "x1"));

    ScoreResult unasked = response.getResults(0);
    assertThat(unasked.getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(unasked.getFailure().getMessage())
        .isEqualTo(
            "component 'answer': items[0].references[\"answer\"]: absent (expected: a text to"
                + " check against)");
    assertThat(unasked.getComponents(0).getValue()).isEqualTo(1);
    assertThat(unasked.getComponents(2).hasFailure()).isTrue();
    assertThat(response.getResults(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_TOO_LONG);
    assertThat(response.getResults(1).getFailure().getMessage())
        .startsWith("component 'taste': 999 tokens");
    assertThat(response.getResults(2).hasValue()).isTrue();
    assertThat(response.getSampleMaskList()).containsExactly(false, false, true);
  }

  @Test
  void aPartThatFailedIsNotForgivenWhereTheGateWouldNotHaveAskedIt() {
    composites.add(
        composite(
            "gated",
            "{'taste': " + LEARNED + ", 'digits': {'kind': 'regex', 'pattern': '[0-9]'}}",
            "{'gate': 'digits', 'then': 'taste', 'else': -1}"));

    ScoreResponse response = score("gated", item("", "p", "N"), item("", "p", "abc"));

    assertThat(response.getResults(0).getFailure().getMessage()).startsWith("component 'taste': ");
    assertThat(response.getResults(1).getValue()).isEqualTo(-1);
  }

  @Test
  void arithmeticThatOverflowsIsAFailure() {
    composites.add(
        composite(
            "huge",
            "{'digits': {'kind': 'regex', 'pattern': '[0-9]'}}",
            "{'product': ['digits', " + "1e9, ".repeat(40) + "1]}"));

    ScoreResult result = score("huge", item("", "p", "1")).getResults(0);

    assertThat(result.getFailure().getReason()).isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(result.getFailure().getMessage())
        .isEqualTo("the expression of finite components gives Infinity (expected: finite)");
  }

  @Test
  void whatIsLateHasFailedAndTheOthersAreTold() throws InterruptedException {
    reward.ensembles.hold();

    // the composite and the ensemble below it each keep 4.9 s of it to answer
    ScoreResponse response =
        reward
            .stub()
            .withDeadlineAfter(10, TimeUnit.SECONDS)
            .score(request("mix", asked("x1", "x1")));

    ScoreResult result = response.getResults(0);
    assertThat(result.getFailure().getReason()).isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
    assertThat(result.getFailure().getMessage()).startsWith("component 'taste': no answer after");
    assertThat(result.getComponents(1).getValue()).isEqualTo(1);
  }

  @Test
  void otherWeightsThanThosePinnedAreRefused() {
    composites.add(
        composite(
            "other",
            "{'taste': " + LEARNED.replace("1111", "2222") + "}",
            "{'min': ['taste', 1]}"));

    assertRefused(
        () -> score("other", item("", "p", "x")),
        Status.Code.DATA_LOSS,
        "component 'taste': java-reward/1: weights 1111");
  }

  @Test
  void anEnsembleThatIsGoneIsNotFound() {
    composites.add(
        composite(
            "gone", "{'taste': " + LEARNED.replace("java-reward", "no-reward") + "}", "'taste'"));

    assertRefused(
        () -> score("gone", item("", "p", "x")), Status.Code.NOT_FOUND, "component 'taste': ");
  }

  @Test
  void aCompositeInACompositeIsRefusedByName() {
    composites.add(
        composite("nested", "{'taste': " + LEARNED.replace("java-reward", "mix") + "}", "'taste'"));

    assertRefused(
        () -> score("nested", item("", "p", "x")),
        Status.Code.NOT_FOUND,
        "component 'taste': mix/1 is a composite, and composites do not nest (expected: an"
            + " ensemble)");
  }

  @Test
  void aVersionThatIsNotThereIsToldWithThoseThatAre() {
    composites.add(composite("mix", "10", "{'taste': " + LEARNED + "}", "'taste'"));

    assertRefused(
        () ->
            reward
                .stub()
                .score(
                    request("mix", item("", "p", "y")).toBuilder()
                        .setRewardModel(ModelSelector.newBuilder().setModel("mix").setVersion("2"))
                        .build()),
        Status.Code.NOT_FOUND,
        "reward_model.version: '2': composite mix has no such version (it has: 1, 10)");
  }

  @Test
  void aCompositeSaysItselfHowItsEnsemblesAggregate() {
    composites.add(
        composite(
            "mean",
            "{'taste': " + LEARNED.replace("}", ", 'aggregation': 'mean'}") + "}",
            "'taste'"));

    assertThat(score("mean", item("", "p", "1234")).getResults(0).getValue()).isEqualTo(3.5);
    assertRefused(
        () ->
            reward
                .stub()
                .score(
                    request("mean", item("", "p", "1234")).toBuilder()
                        .setAggregation(
                            Aggregation.newBuilder()
                                .setMethod(AggregationMethod.AGGREGATION_METHOD_WCO))
                        .build()),
        Status.Code.INVALID_ARGUMENT,
        "aggregation: given (expected: absent, since mean is a composite");
  }

  @Test
  void versionsAreFoundAsThoseOfEnsembles() {
    String always = "{'any': {'kind': 'regex', 'pattern': ''}}";
    for (int version = 9; version <= 10; version++) {
      composites.add(
          composite(
              "constant",
              Integer.toString(version),
              always.replace("''", "'x*'"),
              "{'sum': [{'weight': %d, 'of': 'any'}]}".formatted(version)));
    }

    assertThat(score("constant", item("", "p", "y")).getResults(0).getValue()).isEqualTo(10);
    composites.add(
        composite("constant", "11", always.replace("''", "'x*'"), "{'min': ['any', -1]}"));
    assertRefused(
        () -> score("nothing", item("", "p", "y")), Status.Code.NOT_FOUND, "reward_model.model:");
    assertThat(score("constant", item("", "p", "y")).getResults(0).getValue()).isEqualTo(10);
    assertThat(
            reward
                .stub()
                .score(
                    request("constant", item("", "p", "y")).toBuilder()
                        .setRewardModel(
                            ModelSelector.newBuilder().setModel("constant").setVersion("9"))
                        .build())
                .getResults(0)
                .getValue())
        .isEqualTo(9);
    assertRefused(
        () -> score("nothing", item("", "p", "y")), Status.Code.NOT_FOUND, "reward_model.model:");
  }

  @Test
  void theListShowsWhatIsInThem() {
    RewardComposite mix =
        reward
            .stub()
            .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
            .getComposites(0);

    assertThat(mix.getModelVersion().getModel()).isEqualTo("mix");
    assertThat(mix.getComponentsList())
        .extracting(each -> each.getName() + " " + each.getKind() + " " + each.getWeight())
        .containsExactly(
            "taste learned 2.0", "digits regex 0.5", "answer exact 1.0", "length length 3.0");
    assertThat(mix.getComponents(0).getSettingsJson()).contains("\"weights_sha256\":\"1111");
    assertThat(mix.getRewardJson()).startsWith("{\"sum\":[{\"weight\":2,\"of\":\"taste\"}");
  }

  @Test
  void twoAreComparedByTheirRewardsIfTheCompositeSaysTheScale() {
    Recipe plain = RecipeReader.read(Composites.json("{'taste': " + LEARNED + "}", "'taste'"));
    composites.add(
        new Composite(
            composite("scaled", "{'taste': " + LEARNED + "}", "'taste'").id(),
            new Recipe(plain.parts(), plain.reward(), plain.rewardJson(), OptionalDouble.of(2))));

    CompareResponse scaled = compare("scaled", "1234", "12");
    CompareResponse mix = compare("mix", "1234", "12");

    // rewards 2 and 1: σ(2 · (2 − 1))
    assertThat(scaled.getProbabilityAPreferredByRewards())
        .isCloseTo(1 / (1 + Math.exp(-2)), within(1e-12));
    assertThat(scaled.hasProbabilityAPreferred()).isFalse();
    assertThat(scaled.getMembersCount()).isZero();
    assertThat(mix.getResults(0).hasValue()).isTrue();
    assertThat(mix.hasProbabilityAPreferredByRewards()).isFalse();
  }

  @Test
  void aStreamAnswersWithComponentsToo() throws Exception {
    List<ScoreStreamResponse> answers = new ArrayList<>();
    CompletableFuture<List<ScoreStreamResponse>> all = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> items =
        RewardServiceGrpc.newStub(reward.channel())
            .scoreStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    answers.add(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    all.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    all.complete(answers);
                  }
                });
    items.onNext(
        ScoreStreamRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel("mix"))
            .setItem(asked("x1", "x1"))
            .build());
    items.onCompleted();

    ScoreStreamResponse answer = all.get(10, TimeUnit.SECONDS).getFirst();
    assertThat(answer.getResult().getItemId()).isEqualTo("0");
    assertThat(answer.getResult().getValue()).isEqualTo(12.5);
    assertThat(answer.getResult().getComponentsCount()).isEqualTo(4);
    assertThat(answer.getModelVersion().getModel()).isEqualTo("mix");
  }

  private ScoreResponse score(String model, ScoreItem... items) {
    return reward.stub().score(request(model, items));
  }

  private CompareResponse compare(String model, String a, String b) {
    return reward
        .stub()
        .compare(
            CompareRequest.newBuilder()
                .setRewardModel(ModelSelector.newBuilder().setModel(model))
                .setPrompt(text("p"))
                .setCompletionA(text(a))
                .setCompletionB(text(b))
                .putReferences("answer", a)
                .build());
  }

  private static ScoreRequest request(String model, ScoreItem... items) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .addAllItems(List.of(items))
        .build();
  }

  private static ScoreItem asked(String completion, String answer) {
    return item("", "p", completion).toBuilder().putReferences("answer", answer).build();
  }

  private static void assertRefused(Runnable call, Status.Code code, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(code);
              assertThat(e.getStatus().getDescription()).startsWith(message);
            });
  }
}
