package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * GSPO: the clipped surrogate with one ratio for each completion, the geometric mean of its
 * tokens'.
 *
 * <pre>ℓₜ = clip-loss(Âₜ, s),  s = exp(meanₜ(log π(aₜ) − log μ(aₜ)))
 * L = mean over completions of the mean over tokens</pre>
 *
 * <p>Source: Zheng et al. 2025 (GSPO), arXiv:2507.18071; its ranges are far narrower than PPO's
 * (3e-4 and 4e-4). With one advantage a completion the gradient is the exact slope, s/T for each
 * token. Where tokens have advantages of their own it is the paper's GSPO-token, §4.3: each token's
 * own loss pulls at its own log-probability, s·Âₜ/T, and is stopped by itself.
 *
 * @param clip how far a ratio may move
 */
public record SequenceClippedSurrogate(ClipRange clip) implements Objective {
  @Override
  public Set<PerTokenName> requires() {
    return Set.of(
        PerTokenName.CURRENT_LOG_PROB, PerTokenName.BEHAVIOUR_LOG_PROB, PerTokenName.ADVANTAGE);
  }

  @Override
  public MeanOver meanOver() {
    return MeanOver.COMPLETIONS;
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double[] weights = Aggregation.sequenceMeanTokenMean().tokenWeights(batch);
    List<Sample> samples = batch.samples();
    int sequences = 0;
    double stopped = 0;
    double ratios = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      double tokens = sample.maskedTokens();
      if (tokens == 0) {
        continue;
      }
      Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
      double logRatio =
          (sample.maskedSum(PerTokenName.CURRENT_LOG_PROB)
                  - sample.maskedSum(PerTokenName.BEHAVIOUR_LOG_PROB))
              / tokens;
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t);
        double advantage = advantages.get(t);
        result.addValue(weight * clip.loss(advantage, logRatio));
        result.addGradient(
            i, PerTokenName.CURRENT_LOG_PROB, t, weight * clip.slope(advantage, logRatio));
        stopped += clip.stops(advantage, logRatio) ? sample.lossMask(t) / tokens : 0;
      }
      sequences++;
      ratios += ClipRange.ratio(logRatio);
    }
    return result
        .metric(ObjectiveMetric.CLIP_FRACTION, stopped / sequences)
        .metric(ObjectiveMetric.MEAN_RATIO, ratios / sequences)
        .build();
  }
}
