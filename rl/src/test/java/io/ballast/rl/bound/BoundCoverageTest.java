package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.rl.Binomials;
import io.ballast.rl.bound.SafetyTestResult.Passed;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each bound holds as often as it says where it claims to: candidates that are barely unsafe pass
 * with probability at most δ, within what 99 % of samples of a binomial keep to.
 */
class BoundCoverageTest {
  private static final int TRIALS = 2_000;
  private static final double DELTA = .1;
  private static final double BARELY = 1e-9;

  /** Costs in [0, 1] and their mean. */
  private enum Costs {
    RARE(.02, random -> random.nextDouble() < .02 ? 1 : 0),
    COMMON(.4, random -> random.nextDouble() < .4 ? 1 : 0),
    SKEWED(.2, random -> Math.pow(random.nextDouble(), 4)),
    LEVEL(.5, SplittableRandom::nextDouble);

    private final double mean;
    private final ToDoubleFunction<SplittableRandom> draw;

    Costs(double mean, ToDoubleFunction<SplittableRandom> draw) {
      this.mean = mean;
      this.draw = draw;
    }

    /** So many that a method can pass at all: .02 is beneath every bound of 100 costs. */
    private int size() {
      return this == RARE ? 1_000 : 100;
    }

    private boolean outcomes() {
      return this == RARE || this == COMMON;
    }

    private double[] sample(SplittableRandom random, int n) {
      double[] costs = new double[n];
      for (int i = 0; i < n; i++) {
        costs[i] = draw.applyAsDouble(random);
      }
      return costs;
    }
  }

  @ParameterizedTest
  @EnumSource(Costs.class)
  void whatHoldsForEveryDistributionHoldsForThis(Costs costs) {
    Map<BoundMethod, Integer> passed = new EnumMap<>(BoundMethod.class);
    SplittableRandom random = new SplittableRandom(101 + costs.ordinal());
    for (int trial = 0; trial < TRIALS; trial++) {
      double[] sample = costs.sample(random, costs.size());
      for (BoundMethod method : BoundMethod.values()) {
        if (claims(method, costs)) {
          SafetyTest test = new SafetyTest(costs.mean - BARELY, DELTA, method);
          passed.merge(method, test.decide(sample) instanceof Passed ? 1 : 0, Integer::sum);
        }
      }
    }
    assertThat(passed).hasSize(costs.outcomes() ? 4 : 3);
    assertThat(passed.get(BoundMethod.BETTING)).as("that it can pass").isPositive();
    passed.forEach(
        (method, count) ->
            assertThat(count)
                .as("%s: unsafe and passed", method)
                .isLessThanOrEqualTo(Binomials.most(TRIALS, DELTA)));
  }

  /** Of few costs its last term alone is wider than any error; of many it is near the normal's. */
  @Test
  void empiricalBernsteinHoldsWhereItIsNarrowToo() {
    SplittableRandom random = new SplittableRandom(103);
    SafetyTest test = new SafetyTest(.5 - BARELY, .5, BoundMethod.EMPIRICAL_BERNSTEIN);
    int passed = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      passed += test.decide(Costs.LEVEL.sample(random, 5_000)) instanceof Passed ? 1 : 0;
    }
    assertThat(passed).isBetween(TRIALS / 100, TRIALS / 10);
  }

  private static boolean claims(BoundMethod method, Costs costs) {
    return switch (method) {
      case HOEFFDING, EMPIRICAL_BERNSTEIN, BETTING -> true;
      case CLOPPER_PEARSON -> costs.outcomes();
      case STUDENT_T -> false;
    };
  }

  /**
   * Harmless topics first: in the order of the list the bet on little harm is won in each sample.
   */
  @Test
  void aListThatIsSortedByTopicDoesNotPassMoreOften() {
    SplittableRandom random = new SplittableRandom(109);
    SafetyTest test = new SafetyTest(.2 - BARELY, DELTA, BoundMethod.BETTING);
    int passed = 0;
    int inOrder = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      double[] costs = new double[200];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = random.nextDouble() < (i < 100 ? .02 : .38) ? 1 : 0;
      }
      passed += test.decide(costs) instanceof Passed ? 1 : 0;
      inOrder += BettingBounds.upper(costs, 0, 1, DELTA) <= test.threshold() ? 1 : 0;
    }
    assertThat(passed).isLessThanOrEqualTo(Binomials.most(TRIALS, DELTA));
    assertThat(inOrder).as("in the order of the list").isGreaterThan(TRIALS * 9 / 10);
  }

  @Test
  void studentsTHoldsForNormalCosts() {
    SplittableRandom random = new SplittableRandom(107);
    SafetyTest test = new SafetyTest(-BARELY, DELTA, BoundMethod.STUDENT_T, CostRange.UNBOUNDED);
    int passed = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      double[] costs = new double[20];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = random.nextGaussian();
      }
      passed += test.decide(costs) instanceof Passed ? 1 : 0;
    }
    assertThat(passed).isLessThanOrEqualTo(Binomials.most(TRIALS, DELTA));
  }

  @Test
  void oneBoundIsNarrowerThanAnother() {
    SplittableRandom random = new SplittableRandom(113);
    Map<BoundMethod, Double> bounds = new EnumMap<>(BoundMethod.class);
    for (int trial = 0; trial < 100; trial++) {
      double[] costs = Costs.RARE.sample(random, 1_000);
      for (BoundMethod method : BoundMethod.values()) {
        double bound = new SafetyTest(0, DELTA, method).decide(costs).numbers().upperBound();
        bounds.merge(method, bound / 100, Double::sum);
      }
    }
    assertThat(bounds.get(BoundMethod.CLOPPER_PEARSON)).isLessThan(bounds.get(BoundMethod.BETTING));
    assertThat(bounds.get(BoundMethod.BETTING))
        .isLessThan(bounds.get(BoundMethod.EMPIRICAL_BERNSTEIN));
    assertThat(bounds.get(BoundMethod.EMPIRICAL_BERNSTEIN))
        .isLessThan(bounds.get(BoundMethod.HOEFFDING));
  }
}
