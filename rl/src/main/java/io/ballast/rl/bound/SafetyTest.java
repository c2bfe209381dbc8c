package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

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
 * <p>Differs: Student's t of costs that are all the same has no width, which says that the sample
 * is too small to show the spread, not that there is none. Its bound is then the top of the range.
 *
 * @param threshold τ, finite, in the costs' unit
 * @param delta δ, above 0, below 1
 * @param method how the bound is computed
 * @param range where costs lie for certain; bounded for every method but Student's t
 */
public record SafetyTest(double threshold, double delta, BoundMethod method, CostRange range) {
  /** Checks the ranges above. */
  public SafetyTest {
    Require.finite(threshold, "threshold");
    Require.openProbability(delta, "delta");
    if (method != BoundMethod.STUDENT_T && !range.bounded()) {
      throw new IllegalArgumentException(
          "range: unbounded (expected: bounded under " + method + ")");
    }
  }

  /** A test of costs in [0, 1]. */
  public SafetyTest(double threshold, double delta, BoundMethod method) {
    this(threshold, delta, method, CostRange.UNIT);
  }

  /**
   * Returns the decision on {@code costs}.
   *
   * @param costs shape [n], n ≥ 2, each in the range, 0 or 1 under Clopper and Pearson: one of each
   *     held-out prompt, or the mean of several completions of it; in the order of the prompts:
   *     betting takes them in one of its own, the same for all lists of n
   */
  public SafetyTestResult decide(double[] costs) {
    range.require(costs, "costs");
    Require.atLeast(costs.length, 2, "costs.length");
    SafetyTestNumbers numbers =
        new SafetyTestNumbers(
            costs.length,
            Moments.mean(costs),
            Moments.sampleStd(costs),
            upper(costs),
            threshold,
            delta,
            method);
    return numbers.upperBound() <= threshold
        ? new SafetyTestResult.Passed(numbers)
        : new SafetyTestResult.NoSolutionFound(numbers);
  }

  /**
   * Returns the decision on costs of prompts that come in groups: n is the number of groups, and
   * the observation of each is its mean.
   *
   * @param costs shape [n] as above
   * @param groups shape [n] as {@link GroupMeans#of} takes them, two or more; each of one under
   *     Clopper and Pearson, where a mean is no count
   */
  public SafetyTestResult decide(double[] costs, int[] groups) {
    if (method == BoundMethod.CLOPPER_PEARSON && GroupMeans.share(groups)) {
      throw new IllegalArgumentException(
          "groups: of more than one (expected: of one each under CLOPPER_PEARSON)");
    }
    range.require(costs, "costs");
    return decide(GroupMeans.of(costs, groups));
  }

  private double upper(double[] costs) {
    double low = range.low();
    double high = range.high();
    return switch (method) {
      case STUDENT_T -> Moments.allEqual(costs) ? high : MeanBounds.studentTUpper(costs, delta);
      case HOEFFDING -> MeanBounds.hoeffdingUpper(costs, low, high, delta);
      case EMPIRICAL_BERNSTEIN -> MeanBounds.empiricalBernsteinUpper(costs, low, high, delta);
      case CLOPPER_PEARSON ->
          ProportionBounds.clopperPearsonUpper(harmful(costs), costs.length, delta);
      case BETTING -> BettingBounds.upper(shuffled(costs), low, high, delta);
    };
  }

  /**
   * In an order that depends on their number alone. Prompts come sorted by topic, and a harmless
   * beginning would make the gambler rich, whatever follows.
   */
  private static double[] shuffled(double[] costs) {
    List<Double> order = new ArrayList<>(Arrays.stream(costs).boxed().toList());
    Collections.shuffle(order, new Random(costs.length));
    return order.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static int harmful(double[] costs) {
    int harmful = 0;
    for (int i = 0; i < costs.length; i++) {
      if (costs[i] != 0 && costs[i] != 1) {
        throw new IllegalArgumentException(
            "costs[" + i + "]: " + costs[i] + " (expected: 0 or 1 under CLOPPER_PEARSON)");
      }
      harmful += costs[i] == 1 ? 1 : 0;
    }
    return harmful;
  }
}
