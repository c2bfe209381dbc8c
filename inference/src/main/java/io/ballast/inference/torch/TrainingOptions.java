package io.ballast.inference.torch;

import java.util.OptionalDouble;

/**
 * How a decoder is trained, and what beside it.
 *
 * @param optimizer AdamW's constants
 * @param critic whether a critic stands on its trunk: one linear layer from the final, normalised
 *     state to a value, which starts at 0
 * @param averageDecay if present, an exponential moving average of all that is trained is kept,
 *     with this decay a step, in [0, 1)
 */
public record TrainingOptions(
    OptimizerOptions optimizer, boolean critic, OptionalDouble averageDecay) {
  public TrainingOptions {
    averageDecay.ifPresent(
        decay -> {
          if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException(
                "average_decay: " + decay + " (expected: ≥ 0 and < 1)");
          }
        });
  }

  /** The decoder alone. */
  public static TrainingOptions of(OptimizerOptions optimizer) {
    return new TrainingOptions(optimizer, false, OptionalDouble.empty());
  }

  /** The same with a critic. */
  public TrainingOptions withCritic() {
    return new TrainingOptions(optimizer, true, averageDecay);
  }

  /** The same with an average. */
  public TrainingOptions withAverage(double decay) {
    return new TrainingOptions(optimizer, critic, OptionalDouble.of(decay));
  }
}
