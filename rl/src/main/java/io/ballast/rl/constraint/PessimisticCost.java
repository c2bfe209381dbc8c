package io.ballast.rl.constraint;

import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.MeanBounds;
import io.ballast.rl.check.Require;

/**
 * HC-RLHF's pessimistic bound of the mean cost, for use while optimising: it allows for the error
 * of today's estimate and for the width of the safety test to come.
 *
 * <pre>
 * K(n_b) = C1·t(1−δ, n_b−1)/√n_b + C2·t(1−δ, n_s−1)/√n_s
 * UCB_pess = m + K·s
 * </pre>
 *
 * <p>Source: Chittepu et al. 2025 (HC-RLHF), arXiv:2506.08266, as its code does it. Differs: one
 * n_b, the buffer's, everywhere (their policy step takes the batch's, which is another constraint);
 * s has a floor in the linearisation. The bound decides how often a candidate passes the safety
 * test, never whether the certificate holds.
 *
 * @param delta δ, above 0, below 1: the failure probability of the test to come
 * @param estimationFactor C1 ≥ 0
 * @param testFactor C2 ≥ 0
 * @param safetyTestSize n_s ≥ 2: how many independent costs the safety test will have
 * @param testBound of the test to come: C2 is of its width where costs have deviation s. With
 *     HOEFFDING that is √(ln(1/δ)/2n_s), with EMPIRICAL_BERNSTEIN √(2·s²·ln(2/δ)/n_s) +
 *     7·ln(2/δ)/(3(n_s − 1)), with BETTING √(2·s²·ln(1/δ)/n_s), which it comes to as n_s grows; for
 *     CLOPPER_PEARSON, whose costs are 0 or 1, that of Student's t stands. Costs are then within
 *     [0, 1]
 */
public record PessimisticCost(
    double delta,
    double estimationFactor,
    double testFactor,
    int safetyTestSize,
    BoundMethod testBound) {
  /** Before a test by Student's t, as in the paper. */
  public PessimisticCost(
      double delta, double estimationFactor, double testFactor, int safetyTestSize) {
    this(delta, estimationFactor, testFactor, safetyTestSize, BoundMethod.STUDENT_T);
  }

  /** Checks the ranges above. */
  public PessimisticCost {
    Require.openProbability(delta, "delta");
    Require.notNegative(estimationFactor, "estimationFactor");
    Require.notNegative(testFactor, "testFactor");
    Require.atLeast(safetyTestSize, 2, "safetyTestSize");
  }

  /**
   * Returns K(n_b): how many standard deviations the bound lies over the mean.
   *
   * @param bufferSize n_b ≥ 2
   */
  public double inflation(int bufferSize) {
    return estimationFactor * MeanBounds.studentTWidth(bufferSize, delta)
        + testFactor * testSlope();
  }

  /** The part of the test's width that grows with s, for s = 1. */
  private double testSlope() {
    return switch (testBound) {
      case STUDENT_T, CLOPPER_PEARSON -> MeanBounds.studentTWidth(safetyTestSize, delta);
      case HOEFFDING -> 0;
      case EMPIRICAL_BERNSTEIN -> Math.sqrt(2 * Math.log(2 / delta) / safetyTestSize);
      case BETTING -> Math.sqrt(-2 * Math.log(delta) / safetyTestSize);
    };
  }

  /** The part of the test's width that does not depend on s. */
  private double testOffset() {
    return switch (testBound) {
      case STUDENT_T, CLOPPER_PEARSON, BETTING -> 0;
      case HOEFFDING -> Math.sqrt(-Math.log(delta) / (2.0 * safetyTestSize));
      case EMPIRICAL_BERNSTEIN -> 7 * Math.log(2 / delta) / (3 * (safetyTestSize - 1.0));
    };
  }

  /** Returns m + K·s of {@code costs}, which must hold at least two. */
  public double upperBound(CostBuffer costs) {
    return upperBound(costs.moments());
  }

  /**
   * Returns m + K·s, and what of the test's width does not depend on s; with the whole part of n_b,
   * so that it errs on the side of caution.
   *
   * @param costs of a size of at least 2
   */
  public double upperBound(CostMoments costs) {
    return costs.mean() + inflation((int) costs.size()) * costs.std() + testFactor * testOffset();
  }

  /**
   * Returns the cost of one completion as the bound sees it: descending along Σ c̃·∇log π descends
   * the bound.
   *
   * <pre>c̃ = C + K·(C² − 2·C·m)/(2·max(s, floor))</pre>
   *
   * <p>It is the influence of one completion on m + K·s, since s² = E[C²] − m².
   *
   * @param cost C, finite
   * @param costs where m, s and n_b come from; at least two
   * @param stdFloor &gt; 0: equal costs would otherwise divide by zero
   */
  public double linearised(double cost, CostBuffer costs, double stdFloor) {
    return linearised(cost, costs.moments(), stdFloor);
  }

  /** The same, with m, s and n_b as they are: use those of the dual step. */
  public double linearised(double cost, CostMoments costs, double stdFloor) {
    Require.finite(cost, "cost");
    Require.positive(stdFloor, "stdFloor");
    double std = Math.max(costs.std(), stdFloor);
    double gap = cost * cost - 2 * cost * costs.mean();
    return cost + inflation((int) costs.size()) * gap / (2 * std);
  }
}
