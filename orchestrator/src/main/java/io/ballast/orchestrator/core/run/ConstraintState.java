package io.ballast.orchestrator.core.run;

import io.ballast.rl.constraint.TaggedCost;
import java.util.List;

/**
 * What an iteration hands to the next one of a constraint.
 *
 * @param name of the constraint
 * @param lambda its multiplier, or its price if that does not move
 * @param costs the latest, oldest first, each with the iteration that sampled it
 */
public record ConstraintState(String name, double lambda, List<TaggedCost> costs) {
  /** Copies the list. */
  public ConstraintState {
    costs = List.copyOf(costs);
  }
}
