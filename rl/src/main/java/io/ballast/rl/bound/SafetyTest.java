package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;

/**
 * The high-confidence safety test: passes a candidate only if the upper confidence bound of its
 * expected cost is at most the threshold.
 *
 * <pre>passes ⇔ UCB(costs; 1 − δ) ≤ τ</pre>
 *
 * <p>Source: Thomas et al. 2019 (Seldonian algorithms), Science 366; Chittepu et al. 2025
 * (HC-RLHF), step 2, arXiv:2506.08266. If the expected cost is over τ, the test passes with
 * probability at most δ, provided that the costs are of fresh completions on prompts that had no
 * part in making the candidate, and that it is <em>one look</em>: testing again on the same
 * prompts, or picking among candidates with them, needs a smaller δ for each look. With several
 * constraints the δ's must add up to the δ wanted.
 *
 * @param threshold τ, finite, in the costs' unit
 * @param delta δ, above 0, below 1
 * @param method how the bound is computed; Hoeffding needs costs in [0, 1]
 */
public record SafetyTest(double threshold, double delta, BoundMethod method) {
  /** Checks the ranges above. */
  public SafetyTest {
    Require.finite(threshold, "threshold");
    Require.openProbability(delta, "delta");
  }

  /**
   * Returns the decision on {@code costs}.
   *
   * @param costs shape [n], n ≥ 2, finite: one of each held-out prompt, or the mean of several
   *     completions of it
   */
  public SafetyTestResult decide(double[] costs) {
    Require.finite(costs, "costs");
    Require.atLeast(costs.length, 2, "costs.length");
    double upper =
        switch (method) {
          case STUDENT_T -> MeanBounds.studentTUpper(costs, delta);
          case HOEFFDING -> MeanBounds.hoeffdingUpper(costs, 0, 1, delta);
        };
    SafetyTestNumbers numbers =
        new SafetyTestNumbers(
            costs.length,
            Moments.mean(costs),
            Moments.sampleStd(costs),
            upper,
            threshold,
            delta,
            method);
    return upper <= threshold
        ? new SafetyTestResult.Passed(numbers)
        : new SafetyTestResult.NoSolutionFound(numbers);
  }
}
