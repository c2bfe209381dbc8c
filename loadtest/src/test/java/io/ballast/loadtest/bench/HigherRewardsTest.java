package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a score of swapped versions says of which version it is of. */
class HigherRewardsTest {
  private static final Path MODELS = Path.of("../models");

  private final HigherRewards higher = new HigherRewards("2");

  @Test
  void everyMemberGivesAThousandMore(@TempDir Path folder) throws IOException {
    Path first = MODELS.resolve("java-reward/1");
    Path trunk = MODELS.resolve("java-tiny/1");
    int hidden = DecoderConfig.read(trunk).hiddenSize();

    higher.write(first, trunk, folder.resolve("2"));

    ScoringHeads before = ScoringModelFolder.read(first, hidden).heads();
    ScoringHeads after = ScoringModelFolder.read(folder.resolve("2"), hidden).heads();
    assertThat(after.size()).isEqualTo(before.size());
    for (int k = 0; k < before.size(); k++) {
      assertThat(after.heads().get(k).outputWeight())
          .isEqualTo(before.heads().get(k).outputWeight());
      assertThat((double) after.heads().get(k).outputBias())
          .isCloseTo(before.heads().get(k).outputBias() + 1_000.0, within(1e-3));
    }
    assertThat(after.featureMean()).isEqualTo(before.featureMean());
  }

  @Test
  void anAnswerIsOfOneVersionIfAllOfItIs() {
    assertThat(higher.isOfOne(answer("1", result(-2, member("1", -6), member("1", 4))))).isTrue();
    assertThat(higher.isOfOne(answer("2", result(310, member("2", 994), member("2", 1_004)))))
        .isTrue();
    assertThat(higher.isOfOne(answer("2", result(310, member("2", 994), failed("2"))))).isTrue();
    assertThat(
            higher.isOfOne(answer("1", result(-2, member("1", -6)), result(310, member("2", 994)))))
        .as("an item of the other")
        .isFalse();
    assertThat(higher.isOfOne(answer("1", result(-2, member("1", -6), member("2", 994)))))
        .as("a member of the other")
        .isFalse();
    assertThat(higher.isOfOne(answer("1", result(-2, member("1", -6), failed("2")))))
        .as("a member of the other that has no score")
        .isFalse();
    assertThat(higher.isOfOne(answer("1", result(-2, member("1", 994)))))
        .as("a score of the other")
        .isFalse();
    assertThat(higher.isOfOne(answer("2", result(-2, member("2", 994)))))
        .as("a reward of the other")
        .isFalse();
  }

  @Test
  void aSuggestionsRewardIsOfTheVersionThatItNames() {
    assertThat(higher.isOfOne(reward("1", -2))).isTrue();
    assertThat(higher.isOfOne(reward("2", 310))).isTrue();
    assertThat(higher.isOfOne(reward("1", 310))).isFalse();
    assertThat(higher.isOfOne(reward("2", -2))).isFalse();
  }

  private static ScoreResponse answer(String version, ScoreResult... results) {
    ScoreResponse.Builder answer = ScoreResponse.newBuilder().setModelVersion(version(version));
    for (ScoreResult result : results) {
      answer.addResults(result);
    }
    return answer.build();
  }

  private static ScoreResult result(double value, MemberScore... members) {
    ScoreResult.Builder result = ScoreResult.newBuilder().setValue(value);
    for (MemberScore member : members) {
      result.addMembers(member);
    }
    return result.build();
  }

  private static MemberScore member(String version, double score) {
    return MemberScore.newBuilder().setModelVersion(version(version)).setRawScore(score).build();
  }

  private static MemberScore failed(String version) {
    return MemberScore.newBuilder()
        .setModelVersion(version(version))
        .setFailure(ItemFailure.getDefaultInstance())
        .build();
  }

  private static SuggestionReward reward(String version, double value) {
    return SuggestionReward.newBuilder().setModelVersion(version(version)).setValue(value).build();
  }

  private static ModelVersion version(String version) {
    return ModelVersion.newBuilder().setModel("java-reward").setVersion(version).build();
  }
}
