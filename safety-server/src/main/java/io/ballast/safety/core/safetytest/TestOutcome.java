package io.ballast.safety.core.safetytest;

import io.ballast.rl.bound.SafetyTestNumbers;

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
}
