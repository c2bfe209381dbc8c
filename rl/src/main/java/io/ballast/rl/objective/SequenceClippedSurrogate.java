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
 * <pre>ℓ = clip-loss(Â, s),  s = exp(meanₜ(log π(aₜ) − log μ(aₜ))),  L = mean over completions
 * </pre>
 *
 * <p>Source: Zheng et al. 2025 (GSPO), arXiv:2507.18071; its ranges are far narrower than PPO's
 * (3e-4 and 4e-4). The gradient here is the exact one, s/T for each token, which equals the
 * stop-gradient form of the paper for one advantage a completion.
 *
 * @param clip how far a ratio may move
 */
public record SequenceClippedSurrogate(ClipRange clip) implements Objective {
  @Override
  public Set<PerTokenName> requires() {
    return Set.of(
        PerTokenName.CURRENT_LOG_PROB, PerTokenName.BEHAVIOUR_LOG_PROB, PerTokenName.ADVANTAGE);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException also if unmasked tokens of one completion have different
   *     advantages
   */
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
      double advantage = onlyAdvantage(sample, i);
      double logRatio =
          (sample.maskedSum(PerTokenName.CURRENT_LOG_PROB)
                  - sample.maskedSum(PerTokenName.BEHAVIOUR_LOG_PROB))
              / tokens;
      result.addValue(weights[i] * tokens * clip.loss(advantage, logRatio));
      double slope = weights[i] * clip.slope(advantage, logRatio);
      for (int t = 0; t < sample.size(); t++) {
        result.addGradient(i, PerTokenName.CURRENT_LOG_PROB, t, slope * sample.lossMask(t));
      }
      sequences++;
      stopped += clip.stops(advantage, logRatio) ? 1 : 0;
      ratios += ClipRange.ratio(logRatio);
    }
    return result
        .metric(ObjectiveMetric.CLIP_FRACTION, stopped / sequences)
        .metric(ObjectiveMetric.MEAN_RATIO, ratios / sequences)
        .build();
  }

  private static double onlyAdvantage(Sample sample, int index) {
    Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
    double found = Double.NaN;
    for (int t = 0; t < sample.size(); t++) {
      if (sample.lossMask(t) > 0) {
        if (!Double.isNaN(found) && advantages.get(t) != found) {
          throw new IllegalArgumentException(
              "samples["
                  + index
                  + "].ADVANTAGE["
                  + t
                  + "]: "
                  + advantages.get(t)
                  + " (expected: "
                  + found
                  + ", one for the whole completion)");
        }
        found = advantages.get(t);
      }
    }
    return found;
  }
}
