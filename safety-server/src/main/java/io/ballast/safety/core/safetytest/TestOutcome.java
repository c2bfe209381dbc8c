package io.ballast.safety.core.safetytest;

import io.ballast.rl.bound.NoSolutionReason;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.rl.bound.SafetyTestResult;
import java.util.Optional;

/**
 * The numbers of a finished test.
 *
 * @param failedItems items that had no cost and were counted as 1
 */
public record TestOutcome(SafetyTestNumbers numbers, int failedItems) {
  /** Whether the bound is at or below the threshold. */
  public boolean passed() {
    return numbers.upperBound() <= numbers.threshold();
  }

  /** Why there is no solution; empty if it passed. */
  public Optional<NoSolutionReason> reason() {
    return passed()
        ? Optional.empty()
        : Optional.of(new SafetyTestResult.NoSolutionFound(numbers).reason());
  }
}
