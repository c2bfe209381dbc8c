package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * PPO's clipped surrogate with a ratio for each token.
 *
 * <pre>ℓₜ = clip-loss(Âₜ, ρₜ),  ρₜ = π(aₜ)/μ(aₜ)</pre>
 *
 * <p>Source: Schulman et al. 2017 (PPO), eq. 7, arXiv:1707.06347; GRPO, DAPO and Dr. GRPO use it
 * with other advantages, clip ranges and aggregations. At ρ = 1 its gradient is {@link
 * PolicyGradient}'s. Where both branches are equal the unclipped one's gradient is taken.
 *
 * @param clip how far a ratio may move
 * @param aggregation how tokens are weighed
 */
public record ClippedSurrogate(ClipRange clip, Aggregation aggregation) implements Objective {
  @Override
  public Set<PerTokenName> requires() {
    return Set.of(
        PerTokenName.CURRENT_LOG_PROB, PerTokenName.BEHAVIOUR_LOG_PROB, PerTokenName.ADVANTAGE);
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
    double tokens = 0;
    double stopped = 0;
    double ratios = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers current = sample.numbers(PerTokenName.CURRENT_LOG_PROB);
      Numbers behaviour = sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB);
      Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
      for (int t = 0; t < sample.size(); t++) {
        double mask = sample.lossMask(t);
        double logRatio = current.get(t) - behaviour.get(t);
        double advantage = advantages.get(t);
        result.addValue(weights[i] * mask * clip.loss(advantage, logRatio));
        result.addGradient(
            i,
            PerTokenName.CURRENT_LOG_PROB,
            t,
            weights[i] * mask * clip.slope(advantage, logRatio));
        tokens += mask;
        stopped += clip.stops(advantage, logRatio) ? mask : 0;
        ratios += mask * ClipRange.ratio(logRatio);
      }
    }
    return result
        .metric(ObjectiveMetric.CLIP_FRACTION, stopped / tokens)
        .metric(ObjectiveMetric.MEAN_RATIO, ratios / tokens)
        .build();
  }
}
