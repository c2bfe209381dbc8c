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
 * A reward for staying undecided, as a term of the loss: its gradient is with respect to entropies.
 *
 * <pre>ℓₜ = −c·Hₜ</pre>
 *
 * <p>Source: Mnih et al. 2016 (A3C), arXiv:1602.01783. PPO-max found it fragile (trick 3): a small
 * c, watched.
 *
 * @param coefficient c ≥ 0
 * @param aggregation how tokens are weighed
 */
public record EntropyBonus(double coefficient, Aggregation aggregation) implements Objective {
  /** Checks the range above. */
  public EntropyBonus {
    Require.notNegative(coefficient, "entropyCoefficient");
  }

  @Override
  public Set<PerTokenName> requires() {
    return Set.of(PerTokenName.ENTROPY);
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
    double entropy = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers entropies = sample.numbers(PerTokenName.ENTROPY);
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t);
        entropy += weight * entropies.get(t);
        result.addGradient(i, PerTokenName.ENTROPY, t, -coefficient * weight);
      }
    }
    return result.addValue(-coefficient * entropy).metric(ObjectiveMetric.ENTROPY, entropy).build();
  }
}
