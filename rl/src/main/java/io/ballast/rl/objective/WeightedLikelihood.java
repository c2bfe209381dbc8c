package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * Likelihood of the completions, each with its own weight.
 *
 * <pre>ℓₜ = −w·log π(aₜ),  w the completion's LIKELIHOOD_WEIGHT, 1 if absent</pre>
 *
 * <p>With all weights 1 it is cross-entropy: supervised fine-tuning and the pre-training term of
 * PPO-ptx (Ouyang et al. 2022, eq. 2, arXiv:2203.02155). With w = exp(r/β) it is reward-weighted
 * regression, and conditional training (Korbak et al. 2023, arXiv:2302.08582) is weight 1 on
 * labelled text. Weights may be negative.
 *
 * @param aggregation how tokens are weighed
 */
public record WeightedLikelihood(Aggregation aggregation) implements Objective {
  @Override
  public Set<PerTokenName> requires() {
    return Set.of(PerTokenName.CURRENT_LOG_PROB);
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
      double likelihoodWeight =
          sample.perSequence().getOrDefault(PerSequenceName.LIKELIHOOD_WEIGHT, 1.0);
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t) * likelihoodWeight;
        result.addValue(-weight * logProbs.get(t));
        result.addGradient(i, PerTokenName.CURRENT_LOG_PROB, t, -weight);
      }
    }
    return result.build();
  }
}
