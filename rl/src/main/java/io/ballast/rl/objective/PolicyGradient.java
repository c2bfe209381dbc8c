package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * The plain policy gradient: raises the log-probability of what did better than expected.
 *
 * <pre>ℓₜ = −Âₜ·log π(aₜ)</pre>
 *
 * <p>Source: Williams 1992 (REINFORCE). No ratio and no clip: for one on-policy step on each
 * rollout. HC-RLHF's policy step is this with RLOO advantages.
 *
 * @param aggregation how tokens are weighed
 */
public record PolicyGradient(Aggregation aggregation) implements Objective {
  @Override
  public Set<PerTokenName> requires() {
    return Set.of(PerTokenName.CURRENT_LOG_PROB, PerTokenName.ADVANTAGE);
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
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers logProbs = sample.numbers(PerTokenName.CURRENT_LOG_PROB);
      Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t);
        result.addValue(-weight * advantages.get(t) * logProbs.get(t));
        result.addGradient(i, PerTokenName.CURRENT_LOG_PROB, t, -weight * advantages.get(t));
      }
    }
    return result.build();
  }
}
