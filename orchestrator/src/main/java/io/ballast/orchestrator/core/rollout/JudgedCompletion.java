package io.ballast.orchestrator.core.rollout;

import java.util.List;
import java.util.OptionalDouble;

/**
 * A completion with its reward and its costs.
 *
 * @param completion what was sampled; at least one token
 * @param reward aggregated, higher is better
 * @param spread the members' standard deviation, ≥ 0; empty of a composite, which has none
 * @param costs harm probabilities, 0 to 1, one for each constraint of the run in its order; 1 where
 *     the safety-server could not say
 */
public record JudgedCompletion(
    SampledCompletion completion, double reward, OptionalDouble spread, List<Double> costs) {
  /** Copies the list. */
  public JudgedCompletion {
    costs = List.copyOf(costs);
  }

  /** The cost by the run's first constraint. */
  public double cost() {
    return costs.getFirst();
  }
}
