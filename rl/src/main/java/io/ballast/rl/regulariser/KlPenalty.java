package io.ballast.rl.regulariser;

import io.ballast.rl.check.Require;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.MeanOver;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.ObjectiveMetric;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * The price of distance from the reference, as a term of the loss.
 *
 * <pre>ℓₜ = β·k(log π(aₜ) − log π_ref(aₜ))</pre>
 *
 * <p>Source: Shao et al. 2024 (GRPO) (k3 in the loss), arXiv:2402.03300. The gradient is that of
 * the estimate itself, with the sampled token held fixed: k1's mean gradient is then 0 and
 * penalises nothing, so as a loss take k2 or k3 (k1 belongs into the reward: {@code
 * TokenRewards.withKlPenalty}).
 *
 * @param coefficient β ≥ 0
 * @param estimator which estimate
 * @param aggregation how tokens are weighed
 */
public record KlPenalty(double coefficient, KlEstimator estimator, Aggregation aggregation)
    implements Objective {
  /** Checks the range above. */
  public KlPenalty {
    Require.notNegative(coefficient, "klCoefficient");
  }

  @Override
  public Set<PerTokenName> requires() {
    return Set.of(PerTokenName.CURRENT_LOG_PROB, PerTokenName.REFERENCE_LOG_PROB);
  }

  @Override
  public MeanOver meanOver() {
    return aggregation.meanOver();
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double[] weights = aggregation.tokenWeights(batch);
    List<Sample> samples = batch.samples();
    double kl = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers current = sample.numbers(PerTokenName.CURRENT_LOG_PROB);
      Numbers reference = sample.numbers(PerTokenName.REFERENCE_LOG_PROB);
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t);
        double u = current.get(t) - reference.get(t);
        kl += weight * estimator.estimate(u);
        result.addGradient(
            i, PerTokenName.CURRENT_LOG_PROB, t, coefficient * weight * estimator.slope(u));
      }
    }
    return result.addValue(coefficient * kl).metric(ObjectiveMetric.KL, kl).build();
  }
}
