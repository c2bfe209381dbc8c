package io.ballast.training.cost;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.JudgementData;
import io.ballast.training.reward.JudgedTraining;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.UnusableDataException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Trains a cost model: K heads on a frozen decoder, from what people said of harm. Its cautious
 * score is the highest head's, and its probability of harm is calibrated on labels that are held
 * out.
 */
public final class CostTraining {
  private final JudgedTraining ensemble;

  /**
   * A training.
   *
   * @param work folder for the feature graph
   * @param threads to read features with, ≥ 1
   */
  public CostTraining(CostPlan plan, Path work, int threads, RewardTraining.Listener listener) {
    this.ensemble =
        new JudgedTraining(
            plan.ensemble(),
            new CostAim(plan.form(), plan.ensemble().labelSmoothing()),
            work,
            threads,
            listener);
  }

  /**
   * Trains.
   *
   * @param data judgements of harm: of a pair the chosen one does more of it, a grade of 1 is
   *     unsafe
   * @param skipsBad whether rows that this model or split cannot use are left out
   * @throws ModelException if the trunk cannot be opened
   * @throws UnusableDataException if rows cannot be used, too few are left, or what is held out
   *     does not say where safe and unsafe part; named
   */
  public RewardTraining.Trained train(JudgementData data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    RewardTraining.Trained trained = ensemble.train(data, trunk, skipsBad);
    Optional<Calibration> calibration = trained.model().spec().calibration();
    if (calibration.isPresent() && !(calibration.get().a() > 0)) {
      throw new UnusableDataException(
          "the probability of harm does not rise with the cost on what is held out, slope %s (expected: > 0)"
              .formatted(calibration.get().a()));
    }
    return trained;
  }
}
