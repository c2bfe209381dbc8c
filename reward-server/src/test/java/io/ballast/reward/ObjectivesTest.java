package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyModel;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ProbabilityAbsence;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardObjective;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.ModuleInProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An ensemble whose members judge by several objectives, as callers see it. */
class ObjectivesTest {
  private static final double TOLERANCE = 1e-4; // sums are made in 32 bits

  @TempDir private Path models = Path.of(".");
  @TempDir private Path data = Path.of(".");
  private ModuleInProcess server;
  private RewardServiceBlockingStub reward;

  @BeforeEach
  void start() throws IOException {
    TinyReward.writeObjectives(models);
    server = TestReward.module(List.of(models), data, Map.of("default-model", TinyReward.NAME));
    reward = RewardServiceGrpc.newBlockingStub(server.channel());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private ScoreResponse score(String... completions) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    for (String completion : completions) {
      request.addItems(TestReward.item(completion, "int a ", completion));
    }
    return reward.score(request.build());
  }

  @Test
  void aScoreTellsWhatEachObjectiveSaysAndItsMembersAreTheirSums() {
    ScoreResult result = score("= 1;").getResults(0);

    assertThat(result.getComponentsList())
        .extracting(ComponentScore::getName, ComponentScore::getWeight)
        .containsExactly(tuple("love", 1.0), tuple("cost", -0.5));
    double lowest = Double.POSITIVE_INFINITY;
    for (int k = 0; k < TinyReward.MEMBERS; k++) {
      MemberScore love = result.getComponents(0).getMembers(k);
      MemberScore cost = result.getComponents(1).getMembers(k);
      assertThat(love.getNormalisedScore()).isCloseTo((love.getRawScore() - k) / 2, within(1e-9));
      assertThat(cost.getNormalisedScore()).isCloseTo(cost.getRawScore() + k, within(1e-9));
      assertThat(result.getMembers(k).getRawScore())
          .isCloseTo(
              love.getNormalisedScore() - 0.5 * cost.getNormalisedScore(), within(TOLERANCE));
      assertThat(love.getModelVersion()).isEqualTo(result.getMembers(k).getModelVersion());
      lowest = Math.min(lowest, result.getMembers(k).getRawScore() / 4);
    }
    assertThat(result.getValue()).as("WCO is of the sums").isCloseTo(lowest, within(TOLERANCE));
    for (ComponentScore objective : result.getComponentsList()) {
      double[] normalised =
          objective.getMembersList().stream()
              .mapToDouble(MemberScore::getNormalisedScore)
              .toArray();
      double mean = (normalised[0] + normalised[1] + normalised[2]) / 3;
      double variance = 0;
      for (double each : normalised) {
        variance += (each - mean) * (each - mean) / 3;
      }
      assertThat(objective.getValue()).isCloseTo(mean, within(1e-9));
      assertThat(objective.getSpread()).isCloseTo(Math.sqrt(variance), within(1e-9));
    }
  }

  @Test
  void companyAndMemoryChangeNothingOfAnObjective() {
    ScoreResult alone = score("= 1;").getResults(0);
    ScoreResponse together = score(")", "= 1;", "b = 2; c");

    ScoreResult again = together.getResults(1);
    assertThat(again.getFromCache()).isTrue();
    assertThat(again.getComponents(1).getMembersList())
        .isEqualTo(alone.getComponents(1).getMembersList());
    ScoreResult anew =
        reward
            .score(
                ScoreRequest.newBuilder()
                    .addItems(TestReward.item("a", "int a ", "b = 2; c"))
                    .addItems(TestReward.item("b", "int a ", "= 1;"))
                    .setBypassCache(true)
                    .build())
            .getResults(1);
    for (int o = 0; o < 2; o++) {
      assertThat(anew.getComponents(o).getValue())
          .isCloseTo(alone.getComponents(o).getValue(), within(1e-5));
    }
  }

  @Test
  void anItemThatIsRefusedHasNoObjectives() {
    ScoreResult refused = score("").getResults(0);

    assertThat(refused.hasFailure()).isTrue();
    assertThat(refused.getComponentsList()).isEmpty();
  }

  @Test
  void anAggregationIsOfTheSums() {
    ScoreResult result =
        reward
            .score(
                ScoreRequest.newBuilder()
                    .addItems(TestReward.item("x", "int a ", "= 1;"))
                    .setAggregation(
                        Aggregation.newBuilder()
                            .setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN))
                    .build())
            .getResults(0);

    double love = result.getComponents(0).getValue();
    double cost = result.getComponents(1).getValue();
    assertThat(result.getValue()).isCloseTo((love - 0.5 * cost) / 4, within(TOLERANCE));
  }

  @Test
  void aComparisonHasNoProbabilityAndSaysWhy() {
    CompareResponse response =
        reward.compare(
            CompareRequest.newBuilder()
                .setPrompt(TestReward.text("int a "))
                .setCompletionA(TestReward.text("= 1;"))
                .setCompletionB(TestReward.text(")"))
                .build());

    assertThat(response.getProbabilityAbsence())
        .isEqualTo(ProbabilityAbsence.PROBABILITY_ABSENCE_NO_TEMPERATURE);
    assertThat(response.hasProbabilityAPreferred()).isFalse();
    assertThat(response.hasProbabilityAPreferredByRewards()).isFalse();
    assertThat(response.getMemberPreferencesList())
        .hasSize(TinyReward.MEMBERS)
        .noneMatch(member -> member.hasProbabilityAPreferred());
    assertThat(response.getMembersCount()).isEqualTo(TinyReward.MEMBERS);
    int preferring = 0;
    for (int k = 0; k < TinyReward.MEMBERS; k++) {
      preferring +=
          response.getResults(0).getMembers(k).getRawScore()
                  > response.getResults(1).getMembers(k).getRawScore()
              ? 1
              : 0;
    }
    assertThat(response.getMembersPreferringA()).isEqualTo(preferring);
    assertThat(response.getResults(0).getComponentsCount()).isEqualTo(2);
  }

  @Test
  void behindTritonTheObjectivesAreThoseThatItTells() throws IOException {
    Path trunk = models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Path entry =
        new TritonExport(data.resolve("repository"), ExportOptions.defaults())
            .scoring(
                "there",
                List.of(new Version(7, models.resolve(TinyReward.NAME).resolve("1"))),
                reference -> trunk);
    try (FakeTriton triton = FakeTriton.start(entry);
        ModuleInProcess behind =
            TestReward.module(
                List.of(models),
                data,
                Map.of(
                    "default-model",
                    TinyReward.NAME,
                    "triton.targets",
                    triton.address(),
                    "triton.served-models.tiny-reward",
                    "there"))) {
      ScoreResult result =
          RewardServiceGrpc.newBlockingStub(behind.channel())
              .score(
                  ScoreRequest.newBuilder().addItems(TestReward.item("x", "int a", "= 1;")).build())
              .getResults(0);

      for (int k = 0; k < TinyReward.MEMBERS; k++) {
        float raw = FakeTriton.score(k, 5, 4); // a token for each byte
        assertThat(result.getMembers(k).getRawScore()).isCloseTo(raw, within(1e-6));
        assertThat(result.getComponents(0).getMembers(k).getRawScore())
            .isCloseTo(raw, within(1e-6));
        assertThat(result.getComponents(1).getMembers(k).getRawScore())
            .isCloseTo(raw + 1, within(1e-6));
      }
    }
  }

  @Test
  void theListTellsObjectivesWithTheirScalesAndFigures() {
    RewardEnsemble ensemble =
        reward.listRewardModels(ListRewardModelsRequest.getDefaultInstance()).getEnsembles(0);

    assertThat(ensemble.getMembersList())
        .hasSize(TinyReward.MEMBERS)
        .noneMatch(RewardMember::hasInverseTemperature)
        .noneMatch(RewardMember::hasHeldOutAccuracy);
    assertThat(ensemble.hasHeldOutAccuracy()).isFalse();
    assertThat(ensemble.getObjectivesList())
        .extracting(RewardObjective::getName, RewardObjective::getWeight)
        .containsExactly(tuple("love", 1.0), tuple("cost", -0.5));
    RewardObjective love = ensemble.getObjectives(0);
    assertThat(love.getHeldOutAccuracy()).isEqualTo(0.74);
    assertThat(love.getMembers(2).getScoreMean()).isEqualTo(2);
    assertThat(love.getMembers(2).getScoreStd()).isEqualTo(2);
    assertThat(love.getMembers(2).getInverseTemperature()).isEqualTo(2);
    assertThat(love.getMembers(2).getHeldOutAccuracy()).isEqualTo(0.73);
    assertThat(ensemble.getObjectives(1).getMembers(2).getScoreMean()).isEqualTo(-2);
    assertThat(ensemble.getObjectives(1).getMembersList())
        .noneMatch(RewardMember::hasInverseTemperature);
  }
}
