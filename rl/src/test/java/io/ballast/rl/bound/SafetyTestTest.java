package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.SafetyTestResult.NoSolutionFound;
import io.ballast.rl.bound.SafetyTestResult.Passed;
import io.ballast.rl.constraint.CostBuffer;
import io.ballast.rl.constraint.PessimisticCost;
import io.ballast.rl.stats.Moments;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The safety test passes an unsafe candidate with probability at most δ. */
class SafetyTestTest {
  private static final double[] COSTS = {-1.2, -.4, .3, -2, -.9, .1, -1.5, -.7, -.2, -1.1};

  @Test
  void passesWithItsNumbers() {
    SafetyTestResult result = new SafetyTest(-.4, .1, BoundMethod.STUDENT_T).decide(COSTS);
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
    assertThat(new SafetyTest(-.5, .1, BoundMethod.STUDENT_T).decide(COSTS))
        .isInstanceOf(NoSolutionFound.class);
  }

  @Test
  void onTheThresholdItPasses() {
    double bound = MeanBounds.studentTUpper(COSTS, .1);
    assertThat(new SafetyTest(bound, .1, BoundMethod.STUDENT_T).decide(COSTS))
        .isInstanceOf(Passed.class);
  }

  @Test
  void hoeffdingDoesNotTrustTwentyFourZeros() {
    // Student's t of equal costs is their mean, 0; Hoeffding says .249822
    double[] zeros = new double[24];
    assertThat(new SafetyTest(.2, .05, BoundMethod.STUDENT_T).decide(zeros))
        .isInstanceOf(Passed.class);
    assertThat(new SafetyTest(.2, .05, BoundMethod.HOEFFDING).decide(zeros))
        .isInstanceOf(NoSolutionFound.class);
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
    SafetyTest test = new SafetyTest(0, .1, BoundMethod.STUDENT_T);
    int passed = 0;
    for (int trial = 0; trial < 2000; trial++) {
      passed += test.decide(gaussians(random, n, trueMean)) instanceof Passed ? 1 : 0;
    }
    assertThat(passed / 2000.0).isCloseTo(expected, within(.035));
  }

  @Test
  void rareHarmDeceivesStudentsTButNotHoeffding() {
    // one answer in fifty is harmful, τ a little lower: .98⁵⁰ = 36 % of samples hold no harm at all
    SplittableRandom random = new SplittableRandom(29);
    SafetyTest student = new SafetyTest(.0199, .1, BoundMethod.STUDENT_T);
    SafetyTest hoeffding = new SafetyTest(.0199, .1, BoundMethod.HOEFFDING);
    int studentPassed = 0;
    int hoeffdingPassed = 0;
    int trials = 1000;
    for (int trial = 0; trial < trials; trial++) {
      double[] costs = new double[50];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = random.nextDouble() < .02 ? 1 : 0;
      }
      studentPassed += student.decide(costs) instanceof Passed ? 1 : 0;
      hoeffdingPassed += hoeffding.decide(costs) instanceof Passed ? 1 : 0;
    }
    assertThat(studentPassed / (double) trials).as("far over δ").isGreaterThan(.3);
    assertThat(hoeffdingPassed).isEqualTo(0);
  }

  @Test
  void theCertificateHoldsHoweverTheCandidateWasChosen() {
    // 40 policies, risk pays: reward and cost rise together. The candidate is the best reward whose
    // bound on 50 training costs is ≤ 0; then 100 fresh costs are tested at δ = .1.
    SplittableRandom random = new SplittableRandom(23);
    PessimisticCost pessimistic = new PessimisticCost(.1, 1, 1, 100);
    SafetyTest test = new SafetyTest(0, .1, BoundMethod.STUDENT_T);
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
