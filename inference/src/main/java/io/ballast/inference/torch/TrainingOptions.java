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
 * @param lanes the most threads that learn from a batch at a time, ≥ 1; each but the first takes
 *     memory for gradients once it is used
 */
public record TrainingOptions(
    OptimizerOptions optimizer, boolean critic, OptionalDouble averageDecay, int lanes) {
  public TrainingOptions {
    averageDecay.ifPresent(
        decay -> {
          if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException(
                "average_decay: " + decay + " (expected: ≥ 0 and < 1)");
          }
        });
    if (lanes < 1) {
      throw new IllegalArgumentException("lanes: " + lanes + " (expected: ≥ 1)");
    }
  }

  /** The decoder alone, on one thread. */
  public static TrainingOptions of(OptimizerOptions optimizer) {
    return new TrainingOptions(optimizer, false, OptionalDouble.empty(), 1);
  }

  /** The same with a critic. */
  public TrainingOptions withCritic() {
    return new TrainingOptions(optimizer, true, averageDecay, lanes);
  }

  /** The same with an average. */
  public TrainingOptions withAverage(double decay) {
    return new TrainingOptions(optimizer, critic, OptionalDouble.of(decay), lanes);
  }

  /** The same on up to so many threads. */
  public TrainingOptions withLanes(int count) {
    return new TrainingOptions(optimizer, critic, averageDecay, count);
  }
}
