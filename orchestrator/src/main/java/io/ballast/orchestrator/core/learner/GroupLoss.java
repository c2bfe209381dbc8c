package io.ballast.orchestrator.core.learner;

import java.util.Map;

/**
 * A loss that is computed group by group, each exactly once, in any order, by one thread. Value and
 * metrics are complete when every group has been seen.
 */
public interface GroupLoss {
  /**
   * Returns the derivatives for one group.
   *
   * @param index which group
   * @param current what the weights in training say of it
   */
  GroupGradients gradients(int index, GroupScores current);

  /** Whether it reads values: a critic that costs a pass of its own is asked only then. */
  default boolean readsValues() {
    return true;
  }

  /** The loss. */
  double value();

  /** What else there is to see; all finite. */
  Map<String, Double> metrics();
}
