package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.store.ModelManifest;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyModel;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ProbabilityAbsence;
import io.ballast.reward.v1.RewardEnsemble;
import io.ballast.reward.v1.RewardMember;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.wiring.RewardServer;
import io.ballast.testing.HeardLog;
import io.ballast.testing.LeftoverThreads;
import io.ballast.testing.ModuleInProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

/** The reward-server as a process starts it: a real ensemble from a model folder. */
class RewardModuleTest extends RewardModuleCase {
  @Test
  void membersOfAFolderScoreOnTheirStoredScales() throws IOException {
    TinyReward.writeTo(models);

    ScoreResponse response = score(start());

    assertThat(response.getModelVersion().getModel()).isEqualTo(TinyReward.NAME);
    ScoreResult result = response.getResults(0);
    assertThat(result.getMembersList()).hasSize(TinyReward.MEMBERS);
    double lowest = Double.POSITIVE_INFINITY;
    for (int k = 0; k < TinyReward.MEMBERS; k++) {
      MemberScore member = result.getMembers(k);
      assertThat(member.getNormalisedScore())
          .isCloseTo((member.getRawScore() - k) / (0.5 + k), within(1e-9));
      lowest = Math.min(lowest, member.getNormalisedScore());
    }
    assertThat(result.getValue()).isEqualTo(lowest);
    assertThat(result.getComponentsList()).as("no objectives, no components").isEmpty();
    assertThat(data.resolve("onnx")).isNotEmptyDirectory();
  }

  @Test
  void itListsWhatTheFoldersHold() throws IOException {
    TinyReward.writeTo(models);

    RewardEnsemble ensemble =
        start().listRewardModels(ListRewardModelsRequest.getDefaultInstance()).getEnsembles(0);

    assertThat(ensemble.getModelVersion().getVersion()).isEqualTo("1");
    assertThat(ensemble.getQuorum()).isEqualTo(TinyReward.MEMBERS);
    assertThat(ensemble.getHeldOutAccuracy()).isEqualTo(0.64);
    assertThat(ensemble.getMembers(1).getHeldOutAccuracy()).isEqualTo(0.62);
    assertThat(ensemble.getMembers(1).getScoreStd()).isEqualTo(1.5);
  }

  @Test
  void whatAnEnsembleWasTrainedToSeeComesBeforeTheServersRule() throws IOException {
    TinyReward.writeTo(
        models, OptionalInt.of(6), List.of()); // the server's is 96; a token is a byte
    RewardServiceBlockingStub reward = start();
    ScoreRequest request =
        ScoreRequest.newBuilder().addItems(TestReward.item("x", "int abc ", "= 1;")).build();

    ScoreResult refused = reward.score(request).getResults(0);
    ScoreResult cut =
        reward
            .score(request.toBuilder().setTruncation(Truncation.TRUNCATION_KEEP_LAST).build())
            .getResults(0);
    ScoreResult same =
        reward
            .score(
                ScoreRequest.newBuilder().addItems(TestReward.item("x", "t abc ", "= 1;")).build())
            .getResults(0);

    assertThat(refused.getFailure().getMessage()).startsWith("items[0].prompt: 8 tokens, limit 6");
    assertThat(cut.getPromptCut().getDroppedTokens()).isEqualTo(2);
    assertThat(cut.getValue()).isEqualTo(same.getValue());
    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getPromptTokensLimit())
        .isEqualTo(6);
  }

  @Test
  void theScoresThatAVersionKeptComeOutAgain() throws IOException {
    TinyReward.writeTo(models);
    Path folder = models.resolve(TinyReward.NAME).resolve("1");
    TokenIds prompt = TokenIds.of(3, 4);
    GoldenScores.keep(
        folder,
        models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION),
        List.of(new ScoringGroup(prompt, List.of(TokenIds.of(5), TokenIds.of(6, 7, 8)))),
        1e-4,
        empty);
    ModelManifest.write(folder, Map.of());
    RewardServiceBlockingStub reward = start();

    GetGoldenScoresResponse golden =
        reward.getGoldenScores(GetGoldenScoresRequest.getDefaultInstance());

    assertThat(golden.getModelVersion().getModel()).isEqualTo(TinyReward.NAME);
    assertThat(golden.getTolerance()).isEqualTo(1e-4);
    assertThat(golden.getItemsList()).hasSize(2);
    for (GoldenScore kept : golden.getItemsList()) {
      ScoreResult again =
          reward.score(ScoreRequest.newBuilder().addItems(kept.getItem()).build()).getResults(0);
      assertThat(kept.getItem().getPrompt().getTokens()).isEqualTo(kept.getPrompt());
      assertThat(kept.getItem().getCompletion().getTokens()).isEqualTo(kept.getCompletion());
      assertThat(kept.getRawScoresList()).hasSize(TinyReward.MEMBERS);
      for (int k = 0; k < TinyReward.MEMBERS; k++) {
        assertThat(again.getMembers(k).getRawScore()).isCloseTo(kept.getRawScores(k), within(1e-4));
      }
    }
  }

  @Test
  void aVersionThatKeptNoScoresSaysSo() throws IOException {
    TinyReward.writeTo(models);

    GetGoldenScoresResponse golden =
        start().getGoldenScores(GetGoldenScoresRequest.getDefaultInstance());

    assertThat(golden.getModelVersion().getVersion()).isEqualTo("1");
    assertThat(golden.getItemsList()).isEmpty();
    assertThat(golden.getTolerance()).isZero();
  }

  @Test
  void aMemberWithoutATemperatureIsToldWithoutOneAndComparedAsItWasTrained() throws IOException {
    TinyReward.writeTo(models);
    RewardServiceBlockingStub reward = start();

    CompareResponse response =
        reward.compare(
            CompareRequest.newBuilder()
                .setPrompt(TestReward.text("int a "))
                .setCompletionA(TestReward.text("= 1;"))
                .setCompletionB(TestReward.text(")"))
                .build());

    double gap = raw(response, 0, 1) - raw(response, 1, 1);
    assertThat(response.getMemberPreferences(1).getProbabilityAPreferred())
        .isCloseTo(1 / (1 + Math.exp(-gap)), within(1e-9));
    assertThat(response.getProbabilityAbsence())
        .isEqualTo(ProbabilityAbsence.PROBABILITY_ABSENCE_UNSPECIFIED);
    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getMembersList())
        .allMatch(RewardMember::hasInverseTemperature)
        .allMatch(member -> member.getInverseTemperature() == 1);
  }

  @Test
  void aComparisonIsAtEachMembersTemperature() throws IOException {
    List<Double> inverse = List.of(0.5, 0.0, 2.0);
    TinyReward.writeTo(models, OptionalInt.empty(), inverse);
    RewardServiceBlockingStub reward = start();

    CompareResponse response =
        reward.compare(
            CompareRequest.newBuilder()
                .setPrompt(TestReward.text("int a "))
                .setCompletionA(TestReward.text("= 1;"))
                .setCompletionB(TestReward.text(")"))
                .build());

    double scale = 0;
    for (int k = 0; k < TinyReward.MEMBERS; k++) {
      double gap = raw(response, 0, k) - raw(response, 1, k);
      assertThat(response.getMemberPreferences(k).getProbabilityAPreferred())
          .isCloseTo(1 / (1 + Math.exp(-inverse.get(k) * gap)), within(1e-9));
      scale += inverse.get(k) * (0.5 + k) / TinyReward.MEMBERS;
    }
    assertThat(response.getMemberPreferences(1).getProbabilityAPreferred()).isEqualTo(0.5);
    double gap = response.getResults(0).getValue() - response.getResults(1).getValue();
    assertThat(response.getProbabilityAPreferredByRewards())
        .isCloseTo(1 / (1 + Math.exp(-scale * gap)), within(1e-9));
    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getMembers(2)
                .getInverseTemperature())
        .isEqualTo(2);
  }

  @Test
  void aRuleForAnEnsembleThatIsNotThereIsNamedAtTheStart() throws IOException {
    TinyReward.writeTo(models);
    try (HeardLog log = HeardLog.of(RewardServer.class.getName(), Level.WARNING);
        ModuleInProcess server =
            TestReward.module(
                List.of(models),
                data,
                Map.of(
                    "default-model", TinyReward.NAME,
                    "ensembles.tiny-reward.quorum", "2",
                    "ensembles.tini-reward.quorum", "2"))) {
      assertThat(server.module().models()).isNotEmpty();
      assertThat(log.messages())
          .containsExactly(
              "ballast.reward.ensembles.\"tini-reward\": there is no reward ensemble of this name"
                  + " (there are: tiny-reward); the rule holds if one comes");
    }
  }

  private static double raw(CompareResponse response, int item, int member) {
    return response.getResults(item).getMembers(member).getRawScore();
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws IOException {
    TinyReward.writeTo(models);
    LeftoverThreads threads = new LeftoverThreads();
    assertThat(score(start()).getResults(0).hasValue()).isTrue();

    stop();
    module.close(); // again: nothing happens

    threads.assertNone();
  }
}
