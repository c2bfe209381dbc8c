package io.ballast.orchestrator.core.rollout;

import java.util.List;
import java.util.OptionalDouble;

/**
 * A completion with its reward, if it has one, and its costs.
 *
 * @param completion what was sampled; at least one token
 * @param reward aggregated, higher is better; empty of labelled data where there is none, and
 *     nothing reads it
 * @param spread the members' standard deviation, ≥ 0; empty of a composite, which has none, and
 *     without a reward
 * @param costs harm probabilities, 0 to 1, one for each constraint of the run in its order; 1 where
 *     the safety-server could not say
 */
public record JudgedCompletion(
    SampledCompletion completion,
    OptionalDouble reward,
    OptionalDouble spread,
    List<Double> costs) {
  /** Copies the list. */
  public JudgedCompletion {
    costs = List.copyOf(costs);
  }

  /** One with a reward. */
  public JudgedCompletion(
      SampledCompletion completion, double reward, OptionalDouble spread, List<Double> costs) {
    this(completion, OptionalDouble.of(reward), spread, costs);
  }

  /**
   * Its reward where it is learned by.
   *
   * @throws IllegalStateException if it has none: then it should have been dropped
   */
  public double rewardLearnedBy() {
    return reward.orElseThrow(
        () -> new IllegalStateException("a completion without a reward is learned from by it"));
  }

  /** The cost by the run's first constraint. */
  public double cost() {
    return costs.getFirst();
  }
}
