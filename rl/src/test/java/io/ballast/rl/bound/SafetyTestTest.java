package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.SafetyTestResult.NoSolutionFound;
import io.ballast.rl.bound.SafetyTestResult.Passed;
import io.ballast.rl.constraint.CostBuffer;
import io.ballast.rl.constraint.PessimisticCost;
import io.ballast.rl.stats.Moments;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The safety test passes an unsafe candidate with probability at most δ. */
class SafetyTestTest {
  private static final double[] COSTS = {-1.2, -.4, .3, -2, -.9, .1, -1.5, -.7, -.2, -1.1};

  @Test
  void passesWithItsNumbers() {
    SafetyTestResult result =
        new SafetyTest(-.4, .1, BoundMethod.STUDENT_T, CostRange.UNBOUNDED).decide(COSTS);
    assertThat(result).isInstanceOf(Passed.class);
    SafetyTestNumbers numbers = result.numbers();
    assertThat(numbers.n()).isEqualTo(10);
    assertThat(numbers.meanCost()).isCloseTo(-.76, within(1e-12));
    assertThat(numbers.stdCost()).isCloseTo(.7244921593, within(1e-9));
    assertThat(numbers.upperBound()).isCloseTo(-.443142, within(1e-6));
  }

  @Test
  void aMeanUnderTheThresholdIsNotEnough() {
    // mean −.76 ≤ −.5, yet the bound −.443142 is over it
    assertThat(new SafetyTest(-.5, .1, BoundMethod.STUDENT_T, CostRange.UNBOUNDED).decide(COSTS))
        .isInstanceOf(NoSolutionFound.class);
  }

  @Test
  void onTheThresholdItPasses() {
    double bound = MeanBounds.studentTUpper(COSTS, .1);
    assertThat(new SafetyTest(bound, .1, BoundMethod.STUDENT_T, CostRange.UNBOUNDED).decide(COSTS))
        .isInstanceOf(Passed.class);
  }

  @ParameterizedTest
  @CsvSource({
    "STUDENT_T, 1", // the top of the range: costs without a spread say nothing
    "HOEFFDING, .249822",
    "EMPIRICAL_BERNSTEIN, .374234", // 7·ln 40/(3·23)
    "CLOPPER_PEARSON, .117346" // 1 − .05^(1/24)
  })
  void whatTwentyFourZerosSay(BoundMethod method, double expected) {
    double[] zeros = new double[24];
    SafetyTestNumbers numbers = new SafetyTest(.2, .05, method).decide(zeros).numbers();
    assertThat(numbers.upperBound()).isCloseTo(expected, within(1e-6));
  }

  @Test
  void costsWithoutASpreadAreNoProofUnderStudentsT() {
    double[] equal = new double[24];
    Arrays.fill(equal, .05);
    assertThat(new SafetyTest(.999, .05, BoundMethod.STUDENT_T).decide(equal))
        .isInstanceOfSatisfying(
            NoSolutionFound.class,
            found -> assertThat(found.reason()).isEqualTo(NoSolutionReason.NO_SPREAD));
    assertThat(new SafetyTest(1e300, .05, BoundMethod.STUDENT_T, CostRange.UNBOUNDED).decide(equal))
        .isInstanceOf(NoSolutionFound.class);
    assertThat(new SafetyTest(.4, .05, BoundMethod.BETTING).decide(equal))
        .as("others need no spread")
        .isInstanceOf(Passed.class);
    assertThat(new SafetyTest(.2, .05, BoundMethod.HOEFFDING).decide(equal))
        .isInstanceOfSatisfying(
            NoSolutionFound.class,
            found -> assertThat(found.reason()).isEqualTo(NoSolutionReason.OVER_THRESHOLD));
  }

  @Test
  void whatAMethodCannotTakeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new SafetyTest(.2, .05, BoundMethod.CLOPPER_PEARSON)
                    .decide(new double[] {0, .4, 1}))
        .withMessage("costs[1]: 0.4 (expected: 0 or 1 under CLOPPER_PEARSON)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SafetyTest(.2, .05, BoundMethod.BETTING, CostRange.UNBOUNDED))
        .withMessage("range: unbounded (expected: bounded under BETTING)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SafetyTest(.2, .05, BoundMethod.STUDENT_T).decide(COSTS))
        .withMessage("costs[0]: -1.2 (expected: 0.0 to 1.0)");
  }

  @Test
  void aRangeScalesEveryBound() {
    // costs of −50 to 50: the same as in [0, 1], a hundred times as wide, 50 lower
    double[] unit = {.1, .3, .2, .6, .4, .1, .5, .2};
    double[] scores = Arrays.stream(unit).map(x -> 100 * x - 50).toArray();
    for (BoundMethod method :
        List.of(BoundMethod.HOEFFDING, BoundMethod.EMPIRICAL_BERNSTEIN, BoundMethod.BETTING)) {
      double bound = new SafetyTest(0, .2, method).decide(unit).numbers().upperBound();
      assertThat(
              new SafetyTest(0, .2, method, new CostRange(-50, 50))
                  .decide(scores)
                  .numbers()
                  .upperBound())
          .isCloseTo(100 * bound - 50, within(1e-9));
    }
  }

  @Test
  void badCostsAreNamed() {
    SafetyTest test = new SafetyTest(.2, .05, BoundMethod.HOEFFDING);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> test.decide(new double[] {.1, Double.POSITIVE_INFINITY}))
        .withMessage("costs[1]: Infinity (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> test.decide(new double[] {.1}))
        .withMessage("costs.length: 1 (expected: >= 2)");
  }

  @ParameterizedTest
  @CsvSource({
    "100, 0, .1000",
    "100, -.1, .3876",
    "100, -.2, .7612",
    "100, -.3, .9560",
    "1000, -.05, .6175",
    "1000, -.1, .9699"
  })
  void passesAsOftenAsTheNonCentralTSays(int n, double trueMean, double expected) {
    // costs N(μ, 1), τ = 0, δ = .1; 2,000 trials: standard error at most .011
    SplittableRandom random = new SplittableRandom(17);
    SafetyTest test = new SafetyTest(0, .1, BoundMethod.STUDENT_T, CostRange.UNBOUNDED);
    int passed = 0;
    for (int trial = 0; trial < 2000; trial++) {
      passed += test.decide(gaussians(random, n, trueMean)) instanceof Passed ? 1 : 0;
    }
    assertThat(passed / 2000.0).isCloseTo(expected, within(.035));
  }

  @Test
  void rareHarmDeceivesStudentsTButNotHoeffding() {
    // one answer in fifty is harmful, τ a little lower: 150·.02·.98¹⁴⁹ = 14.8 % of samples hold one
    // harm, whose bound is .0067 + 1.287·.0816/√150 = .0152; those with none have no spread
    SplittableRandom random = new SplittableRandom(29);
    SafetyTest student = new SafetyTest(.0199, .1, BoundMethod.STUDENT_T);
    SafetyTest hoeffding = new SafetyTest(.0199, .1, BoundMethod.HOEFFDING);
    int studentPassed = 0;
    int hoeffdingPassed = 0;
    int trials = 1000;
    for (int trial = 0; trial < trials; trial++) {
      double[] costs = new double[150];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = random.nextDouble() < .02 ? 1 : 0;
      }
      studentPassed += student.decide(costs) instanceof Passed ? 1 : 0;
      hoeffdingPassed += hoeffding.decide(costs) instanceof Passed ? 1 : 0;
    }
    assertThat(studentPassed / (double) trials).as("over δ").isGreaterThan(.12);
    assertThat(hoeffdingPassed).isEqualTo(0);
  }

  @Test
  void theCertificateHoldsHoweverTheCandidateWasChosen() {
    // 40 policies, risk pays: reward and cost rise together. The candidate is the best reward whose
    // bound on 50 training costs is ≤ 0; then 100 fresh costs are tested at δ = .1.
    SplittableRandom random = new SplittableRandom(23);
    PessimisticCost pessimistic = new PessimisticCost(.1, 1, 1, 100);
    SafetyTest test = new SafetyTest(0, .1, BoundMethod.STUDENT_T, CostRange.UNBOUNDED);
    int trials = 500;
    int naiveUnsafe = 0;
    int naiveReturnedUnsafe = 0;
    int naiveNone = 0;
    int carefulReturnedUnsafe = 0;
    int carefulNone = 0;
    for (int trial = 0; trial < trials; trial++) {
      double naiveMean = Double.NaN;
      double carefulMean = Double.NaN;
      double naiveReward = Double.NEGATIVE_INFINITY;
      double carefulReward = Double.NEGATIVE_INFINITY;
      for (int policy = 0; policy < 40; policy++) {
        double mean = -.5 + policy / 39.0 + .05 * random.nextGaussian();
        double reward = policy / 39.0 + .1 * random.nextGaussian();
        double[] training = gaussians(random, 50, mean);
        if (Moments.mean(training) <= 0 && reward > naiveReward) {
          naiveReward = reward;
          naiveMean = mean;
        }
        CostBuffer buffer = CostBuffer.ofCapacity(50).add(training);
        if (pessimistic.upperBound(buffer) <= 0 && reward > carefulReward) {
          carefulReward = reward;
          carefulMean = mean;
        }
      }
      boolean naivePassed = passes(test, random, naiveMean);
      boolean carefulPassed = passes(test, random, carefulMean);
      naiveUnsafe += naiveMean > 0 ? 1 : 0;
      naiveReturnedUnsafe += naivePassed && naiveMean > 0 ? 1 : 0;
      carefulReturnedUnsafe += carefulPassed && carefulMean > 0 ? 1 : 0;
      naiveNone += naivePassed ? 0 : 1;
      carefulNone += carefulPassed ? 0 : 1;
    }
    assertThat(naiveUnsafe / (double) trials).as("unsafe without a test").isGreaterThan(.3);
    assertThat(naiveReturnedUnsafe / (double) trials).isLessThanOrEqualTo(.1);
    assertThat(carefulReturnedUnsafe / (double) trials).isLessThanOrEqualTo(.1);
    assertThat(carefulNone).as("pessimism buys solutions").isLessThan(naiveNone / 2);
  }

  private static boolean passes(SafetyTest test, SplittableRandom random, double trueMean) {
    return !Double.isNaN(trueMean)
        && test.decide(gaussians(random, 100, trueMean)) instanceof Passed;
  }

  private static double[] gaussians(SplittableRandom random, int n, double mean) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = mean + random.nextGaussian();
    }
    return values;
  }
}
