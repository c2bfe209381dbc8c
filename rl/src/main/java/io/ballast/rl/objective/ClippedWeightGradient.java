package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * CISPO: the policy gradient with a clipped importance weight, which no clip ever stops.
 *
 * <pre>ℓₜ = −sg(clip(ρₜ, 1 − ε_low, 1 + ε_high))·Âₜ·log π(aₜ),  ρₜ = π(aₜ)/μ(aₜ)</pre>
 *
 * <p>Source: MiniMax 2025 (MiniMax-M1), §3.1, arXiv:2506.13585. The weight is a constant for the
 * gradient (sg): the gradient is −clip(ρ)·Â, not the slope of the value. So rare tokens go on
 * learning where PPO drops them. With ε_low = 1 there is no lower clip, as in the paper. The dual
 * clip is not read. At ρ = 1 value and gradient are {@link PolicyGradient}'s.
 *
 * @param clip where the weight is held
 * @param aggregation how tokens are weighed
 */
public record ClippedWeightGradient(ClipRange clip, Aggregation aggregation) implements Objective {
  /** The paper's: no lower clip, weights up to 1 + {@code high}, mean over tokens. */
  public static ClippedWeightGradient cispo(double high) {
    return new ClippedWeightGradient(ClipRange.of(1, high), Aggregation.tokenMean());
  }

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
    double held = 0;
    double ratios = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers current = sample.numbers(PerTokenName.CURRENT_LOG_PROB);
      Numbers behaviour = sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB);
      Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
      for (int t = 0; t < sample.size(); t++) {
        double mask = sample.lossMask(t);
        double ratio = ClipRange.ratio(current.get(t) - behaviour.get(t));
        double weight = clip.hold(ratio);
        double slope = -weights[i] * mask * weight * advantages.get(t);
        result.addValue(slope * current.get(t));
        result.addGradient(i, PerTokenName.CURRENT_LOG_PROB, t, slope);
        tokens += mask;
        held += weight == ratio ? 0 : mask;
        ratios += mask * ratio;
      }
    }
    return result
        .metric(ObjectiveMetric.CLIP_FRACTION, held / tokens)
        .metric(ObjectiveMetric.MEAN_RATIO, ratios / tokens)
        .build();
  }
}
