package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** Calibrated probabilities hardly ever alarm, others soon do. */
class CalibrationDriftTest {
  @Test
  void twoRowsByHand() {
    // residuals .8 and −.4; in the large .4/√(.16 + .24); (.8·.6 − .4·.2)/√(.36·.16 + .04·.24)
    CalibrationDrift drift =
        CalibrationDrift.of(new double[] {.2, .4}, new boolean[] {true, false});
    assertThat(drift.inTheLarge()).isCloseTo(.4 / Math.sqrt(.4), within(1e-12));
    assertThat(drift.spiegelhalter()).isCloseTo(.4 / Math.sqrt(.0672), within(1e-12));
    assertThat(drift.predicted()).isCloseTo(.3, within(1e-12));
    assertThat(drift.observed()).isEqualTo(.5);
    assertThat(drift.error()).isCloseTo(.6, within(1e-12));
    assertThat(drift.rows()).isEqualTo(2);
  }

  @Test
  void evenOddsSayNothingOfBoldness() {
    CalibrationDrift drift = CalibrationDrift.of(new double[] {.5, .5}, new boolean[] {true, true});
    assertThat(drift.spiegelhalter()).isEqualTo(0);
    assertThat(drift.inTheLarge()).isCloseTo(Math.sqrt(2), within(1e-12));
  }

  @Test
  void calibratedOnesAlarmWithProbabilityAtMostAlphaHoweverFewTheyAre() {
    for (int rows : new int[] {30, 300}) {
      SplittableRandom random = new SplittableRandom(rows);
      int alarms = 0;
      double error = 0;
      for (int trial = 0; trial < 1_000; trial++) {
        CalibrationDrift drift = measured(random, rows, p -> p);
        alarms += drift.drifted(.05) ? 1 : 0;
        error += drift.error() / 1_000;
      }
      assertThat(alarms).isLessThanOrEqualTo(Binomials.most(1_000, .05));
      assertThat(error).as("of %s rows, no drift", rows).isGreaterThan(rows == 30 ? .1 : .03);
    }
  }

  @Test
  void acceptanceThatFellIsSeenInTheLarge() {
    SplittableRandom random = new SplittableRandom(1);
    CalibrationDrift drift = measured(random, 400, p -> p * .6);
    assertThat(drift.inTheLarge()).isLessThan(-4);
    assertThat(drift.drifted(.001)).isTrue();
    assertThat(drift.observed()).isLessThan(drift.predicted());
  }

  @Test
  void probabilitiesThatAreTooBoldAreSeenWhereTheirMeanIsRight() {
    SplittableRandom random = new SplittableRandom(2);
    CalibrationDrift drift = measured(random, 600, p -> .5 + (p - .5) * .3);
    assertThat(Math.abs(drift.inTheLarge())).isLessThan(3);
    assertThat(drift.spiegelhalter()).isGreaterThan(5);
    assertThat(drift.drifted(.001)).isTrue();
  }

  private static CalibrationDrift measured(
      SplittableRandom random, int rows, DoubleUnaryOperator truth) {
    double[] probabilities = new double[rows];
    boolean[] happened = new boolean[rows];
    for (int i = 0; i < rows; i++) {
      probabilities[i] = .02 + .96 * random.nextDouble();
      happened[i] = random.nextDouble() < truth.applyAsDouble(probabilities[i]);
    }
    return CalibrationDrift.of(probabilities, happened);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5, 1}, new boolean[] {true, true}))
        .withMessage("probabilities[1]: 1.0 (expected: above 0, below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5}, new boolean[] {}))
        .withMessage("happened: 0 elements (expected: 1)");
  }
}
