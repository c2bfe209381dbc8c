package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import java.util.Arrays;
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
    // Bernstein: 2·exp(−.16/(2(.4 + .4/3))), over 1 if doubled
    assertThat(drift.chance()).isEqualTo(1);
  }

  @Test
  void chanceByHand() {
    // 8 of 8 at .25: sum 6, V 1.5: exp(−36/(2·3.5)); leaning: sum 3, V .375: exp(−9/(2·1.375))
    double[] probabilities = new double[8];
    boolean[] happened = new boolean[8];
    Arrays.fill(probabilities, .25);
    Arrays.fill(happened, true);
    CalibrationDrift drift = CalibrationDrift.of(probabilities, happened);
    assertThat(drift.chance()).isCloseTo(4 * Math.exp(-36 / 7.0), within(1e-12));
    assertThat(drift.drifted(.05)).isTrue();
    assertThat(drift.drifted(.01)).isFalse();
  }

  @Test
  void certaintiesThatCameTrueSayNothingAndOneThatDidNotSaysAll() {
    CalibrationDrift kept =
        CalibrationDrift.of(new double[] {1, 0, .5}, new boolean[] {true, false, true});
    assertThat(kept.inTheLarge()).isCloseTo(1, within(1e-12));
    assertThat(kept.drifted(.5)).isFalse();
    CalibrationDrift broken =
        CalibrationDrift.of(new double[] {1, .5}, new boolean[] {false, true});
    assertThat(broken.chance()).isEqualTo(0);
    assertThat(broken.drifted(1e-9)).isTrue();
  }

  @Test
  void rareAcceptanceAlarmsNoMoreOften() {
    SplittableRandom random = new SplittableRandom(3);
    int alarms = 0;
    int byTheNormal = 0;
    for (int trial = 0; trial < 2_000; trial++) {
      double[] probabilities = new double[40];
      boolean[] happened = new boolean[40];
      for (int i = 0; i < 40; i++) {
        probabilities[i] = .003;
        happened[i] = random.nextDouble() < .003;
      }
      CalibrationDrift drift = CalibrationDrift.of(probabilities, happened);
      alarms += drift.drifted(.02) ? 1 : 0;
      byTheNormal += Math.abs(drift.inTheLarge()) > 2.33 ? 1 : 0;
    }
    assertThat(alarms).isLessThanOrEqualTo(Binomials.most(2_000, .02));
    assertThat(byTheNormal).as("beyond 2 %% of a normal's tails").isGreaterThan(150);
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
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5, 1.5}, new boolean[] {true, true}))
        .withMessage("probabilities[1]: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5}, new boolean[] {}))
        .withMessage("happened: 0 elements (expected: 1)");
  }
}
