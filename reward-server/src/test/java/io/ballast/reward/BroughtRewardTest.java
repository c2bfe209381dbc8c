package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.SequenceClassifier;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyClassifier;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.ModuleInProcess;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Classifiers that somebody brought, served as reward ensembles over the wire. */
class BroughtRewardTest {
  private static final String GOOD = "\"score\": {\"kind\": \"log_odds\", \"label\": \"good\"}";
  private static final String PLAIN =
      "\"input\": {\"form\": \"template\", \"template\": \"{prompt}>{completion}\"}, ";
  private static final String SHOUTED =
      "\"input\": {\"form\": \"template\", \"template\": \"{prompt}!{completion}\"}, ";
  private static final String TOKENS = "\"input\": {\"form\": \"tokens\"}, ";

  @TempDir private Path models = Path.of(".");
  @TempDir private Path data = Path.of(".");
  private final List<ModuleInProcess> modules = new ArrayList<>();

  @BeforeEach
  void aClassifier() throws IOException {
    TinyClassifier.writeTo(models);
  }

  @AfterEach
  void stop() {
    modules.forEach(ModuleInProcess::close);
  }

  private RewardServiceBlockingStub start(String... properties) {
    Map<String, String> values = new HashMap<>(Map.of("default-model", "taste"));
    for (int i = 0; i < properties.length; i += 2) {
      values.put(properties[i], properties[i + 1]);
    }
    ModuleInProcess module = TestReward.module(List.of(models), data, values);
    modules.add(module);
    return RewardServiceGrpc.newBlockingStub(module.channel());
  }

  private static ScoreRequest.Builder request(ScoreItem... items) {
    return ScoreRequest.newBuilder().addAllItems(List.of(items));
  }

  /** A token for each byte, one more than it. */
  private static int[] bytes(String text) {
    return text.chars().map(c -> c + 1).toArray();
  }

  private double[] logits(String text) {
    Path folder = models.resolve(TinyClassifier.NAME).resolve("1");
    try (SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32)) {
      var scores = classifier.scores(List.of(TokenIds.of(bytes(text)))).getFirst();
      return new double[] {scores.get(0), scores.get(1)};
    }
  }

  @Test
  void membersScoreTheTextThatTheirTemplateMakesOnTheirScales() throws IOException {
    TinyClassifier.adopt(
        models,
        "taste",
        PLAIN + GOOD + ", \"scale\": {\"mean\": 0.5, \"std\": 2}",
        SHOUTED
            + "\"score\": {\"kind\": \"logit\", \"label\": 0}, \"scale\": {\"lower_is_better\":"
            + " true}");
    ScoreResponse response = start().score(request(item("x", "int a", "= 1;")).build());

    double[] plain = logits("int a>= 1;");
    double first = (plain[1] - plain[0] - 0.5) / 2; // of two labels the log-odds is the difference
    double second = -logits("int a!= 1;")[0];
    ScoreResult result = response.getResults(0);
    assertThat(result.getMembers(0).getNormalisedScore()).isCloseTo(first, within(1e-5));
    assertThat(result.getMembers(1).getRawScore()).isCloseTo(second, within(1e-5));
    assertThat(result.getValue()).isCloseTo(Math.min(first, second), within(1e-5)); // WCO
    assertThat(response.getModelVersion().getModel()).isEqualTo("taste");
    assertThat(response.getModelVersion().getWeightsSha256()).hasSize(64);
    assertThat(result.getMembers(0).getModelVersion().getModel()).isEqualTo(TinyClassifier.NAME);
    assertThat(response.getQuorum()).isEqualTo(2);
  }

  @Test
  void whatWasSaidAtTheAdoptionIsToldAndComesOutAgain() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD, SHOUTED + GOOD);
    TinyClassifier.adopt(models, "ids", TOKENS + GOOD);
    RewardServiceBlockingStub reward = start();
    for (String name : List.of("taste", "ids")) {
      ModelSelector model = ModelSelector.newBuilder().setModel(name).build();
      GetGoldenScoresResponse golden =
          reward.getGoldenScores(GetGoldenScoresRequest.newBuilder().setRewardModel(model).build());
      assertThat(golden.getModelVersion().getModel()).isEqualTo(name);
      assertThat(golden.getTolerance()).isEqualTo(1e-4);
      assertThat(golden.getItemsCount()).isPositive();
      for (GoldenScore kept : golden.getItemsList()) {
        assertThat(kept.getItem().getCompletion().hasText()).isEqualTo(name.equals("taste"));
        assertThat(kept.hasCompletion()).isEqualTo(name.equals("ids"));
        ScoreResult again =
            reward.score(request(kept.getItem()).setRewardModel(model).build()).getResults(0);
        assertThat(kept.getRawScoresCount()).isEqualTo(again.getMembersCount()).isPositive();
        for (int k = 0; k < again.getMembersCount(); k++) {
          assertThat(again.getMembers(k).getRawScore())
              .isCloseTo(kept.getRawScores(k), within(1e-4));
        }
      }
    }
    Files.writeString(models.resolve("taste/1/golden-items.json"), "{}");
    assertThatThrownBy(() -> reward.getGoldenScores(GetGoldenScoresRequest.getDefaultInstance()))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("golden-items.json: ")
        .hasMessageNotContaining(models.toString());
  }

  @Test
  void theSameItemGetsTheSameScoreInAnyCompany() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD, SHOUTED + GOOD);
    RewardServiceBlockingStub reward = start();
    List<ScoreItem> items = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      items.add(item("", "p" + i % 3, "y".repeat(1 + i % 37)));
    }
    ScoreResponse together = reward.score(ScoreRequest.newBuilder().addAllItems(items).build());
    for (int i = 0; i < items.size(); i += 13) {
      double alone = reward.score(request(items.get(i)).build()).getResults(0).getValue();
      assertThat(together.getResults(i).getValue()).isCloseTo(alone, within(1e-5));
    }
  }

  @Test
  void itIsListedComparedAndServedBesideEnsemblesOfOurOwn() throws IOException {
    TinyReward.writeTo(models);
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD);
    RewardServiceBlockingStub reward = start();

    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsemblesList())
        .extracting(ensemble -> ensemble.getModelVersion().getModel())
        .contains("taste", TinyReward.NAME);
    assertThat(
            reward
                .score(
                    request(item("x", "int a", "= 1;"))
                        .setRewardModel(ModelSelector.newBuilder().setModel(TinyReward.NAME))
                        .build())
                .getResults(0)
                .hasValue())
        .isTrue();
    CompareResponse compared =
        reward.compare(
            CompareRequest.newBuilder()
                .setPrompt(TestReward.text("int a"))
                .setCompletionA(TestReward.text("= 1;"))
                .setCompletionB(TestReward.text("banana"))
                .build());
    double[] a = logits("int a>= 1;");
    double[] b = logits("int a>banana");
    assertThat(compared.getMemberPreferences(0).getProbabilityAPreferred())
        .isCloseTo(1 / (1 + Math.exp(-(a[1] - a[0]) + (b[1] - b[0]))), within(1e-5));
  }

  @Test
  void tokensAgainstATextModelAndTextAgainstATokenModelFailAlone() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD);
    TinyClassifier.adopt(models, "ids", TOKENS + GOOD);
    RewardServiceBlockingStub reward = start();
    ScoreItem asTokens =
        ScoreItem.newBuilder()
            .setPrompt(tokens(bytes("int a")))
            .setCompletion(tokens(bytes(">= 1;")))
            .build();

    ScoreResponse byText = reward.score(request(item("", "int a", "= 1;"), asTokens).build());
    assertThat(byText.getResults(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(byText.getResults(1).getFailure().getMessage())
        .isEqualTo(
            "items[1].prompt: tokens against taste, which reads texts only (expected: text)");
    ScoreResponse byTokens =
        reward.score(
            request(item("", "int a", "= 1;"), asTokens)
                .setRewardModel(ModelSelector.newBuilder().setModel("ids"))
                .build());
    assertThat(byTokens.getResults(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(byTokens.getResults(0).getFailure().getMessage())
        .isEqualTo("items[0].prompt: text against ids, which reads tokens only (expected: tokens)");
    // the same row by another way
    assertThat(byTokens.getResults(1).getValue())
        .isCloseTo(byText.getResults(0).getValue(), within(1e-5));
    ScoreItem unknown =
        ScoreItem.newBuilder().setPrompt(tokens(1)).setCompletion(tokens(1, 257)).build();
    assertThat(
            reward
                .score(
                    request(unknown)
                        .setRewardModel(ModelSelector.newBuilder().setModel("ids"))
                        .build())
                .getResults(0)
                .getFailure()
                .getMessage())
        .isEqualTo("items[0].completion.token_ids[1]: 257 (expected: 0 to 256)");
  }

  private static TextOrTokens tokens(int... ids) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int id : ids) {
      sequence.addTokenIds(id);
    }
    return TextOrTokens.newBuilder().setTokens(sequence).build();
  }

  @Test
  void whatIsTooLongIsSaidWithTheLimitAndNothingIsCut() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD);
    ScoreResponse response =
        start()
            .score(
                request(
                        item("", "p".repeat(40), "y".repeat(8)),
                        item("", "p", ""),
                        item("", "", "fine"))
                    .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
                    .build());
    assertThat(response.getResults(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_TOO_LONG);
    assertThat(response.getResults(0).getFailure().getMessage())
        .isEqualTo(
            "items[0]: 49 tokens with what the template adds, limit 48; taste reads prompt and"
                + " completion as one whole, of which nothing is cut");
    assertThat(response.getResults(1).getFailure().getMessage())
        .isEqualTo("items[1].completion: empty (expected: a text)");
    assertThat(response.getResults(2).hasValue()).isTrue();
  }

  @Test
  void aMemberThatCannotReadAllOfItIsLeftToTheQuorum() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD, PLAIN + GOOD + ", \"max_tokens\": 10");
    ScoreRequest request =
        request(item("", "p", "y".repeat(20)))
            .setAggregation(
                Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN))
            .build();

    ScoreResult all = start().score(request).getResults(0);
    assertThat(all.getFailure().getReason()).isEqualTo(FailureReason.FAILURE_REASON_QUORUM_LOST);
    assertThat(all.getMemberMaskList()).containsExactly(true, false);
    assertThat(all.getMembers(1).getFailure().getMessage())
        .isEqualTo(TinyClassifier.NAME + "/1: 22 tokens, limit 10");
    ScoreResult one = start("quorum", "1").score(request).getResults(0);
    assertThat(one.hasValue()).isTrue();
  }

  @Test
  void aVersionThatComesWhileItRunsIsFoundAndOneThatIsBrokenIsNamed() throws IOException {
    TinyClassifier.adopt(models, "taste", PLAIN + GOOD);
    RewardServiceBlockingStub reward = start();
    TinyClassifier.adopt(models, "later", PLAIN + GOOD);
    TinyClassifier.adopt(models, "broken", PLAIN + GOOD);
    assertThat(
            reward
                .score(
                    request(item("", "p", "y"))
                        .setRewardModel(ModelSelector.newBuilder().setModel("later"))
                        .build())
                .getResults(0)
                .hasValue())
        .isTrue();

    ModelStore.deleteAll(models.resolve(TinyClassifier.NAME));
    assertThatThrownBy(
            () ->
                reward.score(
                    request(item("", "p", "y"))
                        .setRewardModel(ModelSelector.newBuilder().setModel("broken"))
                        .build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND))
        .hasMessageContaining(TinyClassifier.NAME + "/1: in none of the model folders")
        .hasMessageNotContaining(models.toString());
  }
}
