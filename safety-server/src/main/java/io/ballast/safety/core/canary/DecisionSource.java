package io.ballast.safety.core.canary;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The log of decisions. */
@FunctionalInterface
public interface DecisionSource {
  /**
   * Returns the next decisions for all tenants, in the order of their cursors.
   *
   * @param since only what was decided then or later
   * @param afterCursor of the last decision read; empty: from the beginning
   * @param minAge how long ago a decision must have been taken
   * @param most how many at most, ≥ 1
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN, OVERLOADED or DEPENDENCY_BROKEN if
   *     it cannot be read
   */
  List<CanaryDecision> read(Instant since, String afterCursor, Duration minAge, int most);
}
