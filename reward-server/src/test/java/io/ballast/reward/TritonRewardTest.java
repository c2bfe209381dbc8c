package io.ballast.reward;

import static io.ballast.testing.Refusals.fault;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.FakeTriton.Conduct;
import io.ballast.testing.LeftoverThreads;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A reward-server whose ensembles run behind Triton, and what it makes of Triton's conduct. */
class TritonRewardTest extends TritonRewardCase {
  /** {@code int a} and {@code = 1;}: a token for each byte. */
  private static final int PROMPT_TOKENS = 5;

  private static final int COMPLETION_TOKENS = 4;

  @Test
  void theMembersOfTritonScoreOnTheirStoredScalesAndTheAnswerTellsWhoseTheyAre()
      throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      ScoreResponse response = score(start(triton, List.of(here)), TinyReward.NAME);

      assertThat(response.getModelVersion().getModel()).isEqualTo(TinyReward.NAME);
      assertThat(response.getModelVersion().getVersion()).isEqualTo("1");
      assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo(weightsSha256());
      ScoreResult result = response.getResults(0);
      double lowest = Double.POSITIVE_INFINITY;
      for (int k = 0; k < TinyReward.MEMBERS; k++) {
        float raw = FakeTriton.score(k, PROMPT_TOKENS, COMPLETION_TOKENS);
        assertThat(result.getMembers(k).getRawScore()).isCloseTo(raw, within(1e-6));
        assertThat(result.getMembers(k).getNormalisedScore())
            .isCloseTo((raw - k) / (0.5 + k), within(1e-6));
        lowest = Math.min(lowest, result.getMembers(k).getNormalisedScore());
      }
      assertThat(result.getValue()).isEqualTo(lowest);
      assertThat(data.resolve("onnx")).doesNotExist();
    }
  }

  @Test
  void theWeightsNeedNotBeHere() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(trunkOnly));

      ScoreResponse response = score(reward, TinyReward.NAME);
      assertThat(response.getResults(0).hasValue()).isTrue();
      assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo(weightsSha256());
      assertThat(
              reward
                  .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                  .getEnsembles(0)
                  .getHeldOutAccuracy())
          .isEqualTo(0.64);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "PRIORITY_INTERACTIVE, 1",
    "PRIORITY_TRAINER, 2",
    "PRIORITY_BATCH, 3",
  })
  void theLaneIsTritonsPriority(Priority lane, long priority) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      var unused =
          start(triton, List.of(here))
              .score(
                  request(TinyReward.NAME)
                      .setMetadata(RequestMetadata.newBuilder().setPriority(lane))
                      .build());

      assertThat(triton.priorities()).containsExactly(priority);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "NOT_A_NUMBER | scores[1]: NaN (expected: finite)",
        "RAISES | ValueError: no",
        "WRONG_SHAPE | scores",
      })
  void whatTritonMakesOfACompletionFailsTheItem(Conduct conduct, String says) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(here));
      triton.conduct(conduct);

      ScoreResult result = score(reward, TinyReward.NAME).getResults(0);

      assertThat(result.hasValue()).isFalse();
      assertThat(result.getFailure().getReason().name()).endsWith("MODEL_ERROR");
      assertThat(result.getFailure().getMessage()).contains(says);
      triton.conduct(Conduct.ANSWERS);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FULL, OVERLOADED",
    "FORBIDDEN, DEPENDENCY_BROKEN",
    "UNSUPPORTED, DEPENDENCY_BROKEN",
    "FAILS, DEPENDENCY_BROKEN",
  })
  void whatConcernsEverybodyFailsTheCall(Conduct conduct, Fault expected) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(here));
      triton.conduct(conduct);

      assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(expected);
    }
  }

  @Test
  void ensemblesThatAreNotNamedRunHere() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward =
        start(gone, List.of(here), Map.of("triton.models", "another"));

    assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    assertThat(data.resolve("onnx")).isNotEmptyDirectory();
    assertThat(flaws()).containsOnlyKeys("another");
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      assertThat(score(start(triton, List.of(here)), TinyReward.NAME).getResultsCount())
          .isEqualTo(1);
      stop();
      LeftoverThreads threads = new LeftoverThreads();
      assertThat(score(start(triton, List.of(here)), TinyReward.NAME).getResultsCount())
          .isEqualTo(1);

      stop();

      threads.assertNone();
    }
  }
}
