package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How weights are trained, and what beside them.
 *
 * @param optimizer AdamW's constants
 * @param critic whether a critic stands on the policy's trunk: one linear layer from the final,
 *     normalised state to a value, which starts at 0
 * @param ownCritic if present, a critic with a trunk of its own stands beside the policy instead
 * @param averageDecay if present, an exponential moving average of what is trained is kept, with
 *     this decay an update, at least 0, below 1
 * @param adapters if present, what is trained in place of the weights
 */
public record TraineeOptions(
    OptimizerSettings optimizer,
    boolean critic,
    Optional<CriticSettings> ownCritic,
    OptionalDouble averageDecay,
    Optional<AdapterSettings> adapters) {
  /** Checks the range above; a failure is MALFORMED_REQUEST and names the field. */
  public TraineeOptions {
    averageDecay.ifPresent(
        decay -> {
          if (!(decay >= 0 && decay < 1)) {
            throw Faults.malformed("average_decay", decay + " (expected: ≥ 0 and < 1)");
          }
        });
  }

  /** The policy's weights alone. */
  public static TraineeOptions of(OptimizerSettings optimizer) {
    return new TraineeOptions(
        optimizer, false, Optional.empty(), OptionalDouble.empty(), Optional.empty());
  }

  /** The same with a critic or without. */
  public TraineeOptions withCritic(boolean wanted) {
    return new TraineeOptions(optimizer, wanted, ownCritic, averageDecay, adapters);
  }

  /** The same with a critic that has a trunk of its own, and none on the policy's. */
  public TraineeOptions withOwnCritic(CriticSettings settings) {
    return new TraineeOptions(optimizer, false, Optional.of(settings), averageDecay, adapters);
  }

  /** The same with an average. */
  public TraineeOptions withAverage(double decay) {
    return new TraineeOptions(optimizer, critic, ownCritic, OptionalDouble.of(decay), adapters);
  }

  /** The same with adapters in place of the weights. */
  public TraineeOptions withAdapters(AdapterSettings settings) {
    return new TraineeOptions(optimizer, critic, ownCritic, averageDecay, Optional.of(settings));
  }
}
