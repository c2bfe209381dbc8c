package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import java.util.Set;

/**
 * The critic's loss, clipped so that one update moves a value no further than a range.
 *
 * <pre>ℓₜ = ½·max((Vₜ − Gₜ)², (clip(Vₜ, V_oldₜ ± ε) − Gₜ)²)</pre>
 *
 * <p>Source: PPO's value clipping as InstructGPT, Safe RLHF and PPO-max (trick 7) use it,
 * arXiv:2307.04964.
 *
 * @param clip ε in the reward's unit, &gt; 0; infinite: no clip
 * @param aggregation how tokens are weighed
 * @param critic of the reward or of the cost
 */
public record ValueLoss(double clip, Aggregation aggregation, Critic critic) implements Objective {
  /** Whose value is learned. */
  public enum Critic {
    /** The reward's. */
    REWARD,
    /** The cost's. */
    COST
  }

  /** Checks the range above. */
  public ValueLoss {
    if (!(clip > 0)) {
      throw new IllegalArgumentException("clip: " + clip + " (expected: > 0)");
    }
  }

  @Override
  public Set<PerTokenName> requires() {
    return Set.of(value(), behaviourValue(), target());
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
    double squares = 0;
    double tokens = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      Numbers values = sample.numbers(value());
      Numbers old = sample.numbers(behaviourValue());
      Numbers targets = sample.numbers(target());
      for (int t = 0; t < sample.size(); t++) {
        double weight = weights[i] * sample.lossMask(t);
        double error = values.get(t) - targets.get(t);
        double held = Math.clamp(values.get(t), old.get(t) - clip, old.get(t) + clip);
        double heldError = held - targets.get(t);
        boolean free = error * error >= heldError * heldError;
        result.addValue(weight * 0.5 * Math.max(error * error, heldError * heldError));
        result.addGradient(i, value(), t, free ? weight * error : 0);
        squares += sample.lossMask(t) * error * error;
        tokens += sample.lossMask(t);
      }
    }
    return result.metric(ObjectiveMetric.VALUE_ERROR, squares / tokens).build();
  }

  private PerTokenName value() {
    return switch (critic) {
      case REWARD -> PerTokenName.VALUE;
      case COST -> PerTokenName.COST_VALUE;
    };
  }

  private PerTokenName behaviourValue() {
    return switch (critic) {
      case REWARD -> PerTokenName.BEHAVIOUR_VALUE;
      case COST -> PerTokenName.BEHAVIOUR_COST_VALUE;
    };
  }

  private PerTokenName target() {
    return switch (critic) {
      case REWARD -> PerTokenName.RETURN;
      case COST -> PerTokenName.COST_RETURN;
    };
  }
}
