package io.ballast.loadtest.bench;

import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * A version of a reward ensemble whose members give every completion {@link #MORE} than those of
 * the first, so that a score says which version it is of.
 */
final class HigherRewards {
  /** Of each member's score, as the model gives it. */
  static final double MORE = 1_000;

  /**
   * Far above what the first version says of anything, and far below what this one does: by the
   * members, and on their common scale, where a standard deviation is some 3.
   */
  private static final double BETWEEN = 100;

  private final String version;

  /**
   * @param version its name
   */
  HigherRewards(String version) {
    this.version = version;
  }

  /**
   * Writes it.
   *
   * @param first the folder of the version that there is
   * @param trunk the folder of the model that both read
   * @param folder created: the version's own
   */
  void write(Path first, Path trunk, Path folder) throws IOException {
    ScoringModel model = ScoringModelFolder.read(first, DecoderConfig.read(trunk).hiddenSize());
    ScoringHeads heads = model.heads();
    ScoringModelFolder.write(
        folder,
        new ScoringModel(
            model.spec(),
            new ScoringHeads(
                heads.featureMean(),
                heads.featureStd(),
                heads.heads().stream().map(head -> head.shifted(MORE)).toList())),
        Map.of("made_for", "bench"));
  }

  /** Whether every number and every member of an answer is of the version that it names. */
  boolean isOfOne(ScoreResponse answer) {
    return answer.getResultsList().stream()
        .allMatch(result -> isOf(answer.getModelVersion(), result));
  }

  /** Whether the number is of the version that it names. */
  boolean isOfOne(SuggestionReward reward) {
    return isOf(reward.getModelVersion(), reward.getValue());
  }

  private boolean isOf(ModelVersion named, ScoreResult result) {
    return isOf(named, result.getValue())
        && result.getMembersList().stream().allMatch(member -> isOf(named, member));
  }

  private boolean isOf(ModelVersion named, MemberScore member) {
    return member.getModelVersion().getVersion().equals(named.getVersion())
        && (member.hasFailure() || isOf(named, member.getRawScore()));
  }

  private boolean isOf(ModelVersion named, double score) {
    return (score > BETWEEN) == named.getVersion().equals(version);
  }
}
