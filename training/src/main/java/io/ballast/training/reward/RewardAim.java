package io.ballast.training.reward;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.scoring.Centring;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import java.util.Map;
import java.util.Optional;

/**
 * Scores that are higher the better a completion is, within a prompt.
 *
 * @param labelSmoothing the share of pairs that are believed to be wrong, 0 to below ½
 */
record RewardAim(double labelSmoothing) implements Aim {
  @Override
  public ScoringKind kind() {
    return ScoringKind.REWARD_ENSEMBLE;
  }

  @Override
  public GroupLoss loss(boolean pairs) {
    return pairs
        ? new GroupLoss.Preferences(new BradleyTerryLoss(labelSmoothing, 0))
        : new GroupLoss.Grades();
  }

  @Override
  public String lossInWords(boolean pairs) {
    return pairs ? "Bradley-Terry of the pairs" : "likelihood of the grades";
  }

  @Override
  public Zero zero(FeatureTable table, GroupSplit split) {
    return new Zero(Centring.AS_TRAINED, Optional.empty(), Map.of());
  }
}
