package io.ballast.policy.core.suggest;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;

/** The cost of one completion with the verdict on it, or why there is none. */
public sealed interface CostOutcome {
  /**
   * A cost.
   *
   * @param harmProbability 0 to 1, lower is better
   * @param threshold the harm probability at and above which the verdict is BLOCK
   * @param blocked whether the verdict is BLOCK
   * @param costModel the cost model that answered
   */
  record Estimated(
      double harmProbability, double threshold, boolean blocked, PinnedVersion costModel)
      implements CostOutcome {}

  /** No cost. */
  record Missing(ItemFault fault) implements CostOutcome {}
}
