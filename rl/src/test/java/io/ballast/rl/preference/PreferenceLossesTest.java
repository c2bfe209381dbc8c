package io.ballast.rl.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Losses of reward and cost models, with their gradients. */
class PreferenceLossesTest {
  private static final double STEP = 1e-6;
  private static final BradleyTerryLoss PLAIN = BradleyTerryLoss.plain();

  @Test
  void equalScoresCostLnTwo() {
    assertThat(PLAIN.of(3, 3, 0).loss()).isCloseTo(Math.log(2), within(1e-12));
    assertThat(BradleyTerry.rankingLoss(new double[] {1, 1, 1})).isCloseTo(.693147, within(1e-6));
    assertThat(BradleyTerry.winProbability(3, 3)).isEqualTo(.5);
  }

  @Test
  void twoRankedCompletionsAreAPair() {
    assertThat(BradleyTerry.rankingLoss(new double[] {1.5, .2}))
        .isCloseTo(PLAIN.of(1.5, .2, 0).loss(), within(1e-12));
  }

  @Test
  void bradleyTerryIgnoresAnOffset() {
    assertThat(PLAIN.of(10.7, 9.7, 0).loss()).isCloseTo(PLAIN.of(.7, -.3, 0).loss(), within(1e-12));
  }

  @Test
  void aMarginAndSmoothingByHand() {
    // z = 2 − 0.5 − 1 = 0.5: 0.9·log(1 + e^−0.5) + 0.1·log(1 + e^0.5) = 0.9·0.474077 + 0.1·0.974077
    assertThat(new BradleyTerryLoss(.1, 0).of(2, .5, 1).loss()).isCloseTo(.524077, within(1e-6));
    // and 0.001·(2² + 0.5²) = 0.00425
    assertThat(new BradleyTerryLoss(.1, .001).of(2, .5, 1).loss()).isCloseTo(.528327, within(1e-6));
  }

  @Test
  void smoothingStopsTheScoresApart() {
    // the slope ε − σ(−z) is 0 at z = log((1 − ε)/ε) = log 9
    assertThat(new BradleyTerryLoss(.1, 0).of(Math.log(9), 0, 0).first())
        .isCloseTo(0, within(1e-12));
    assertThat(PLAIN.of(Math.log(9), 0, 0).first()).isCloseTo(-.1, within(1e-12));
  }

  @Test
  void thePairLossesGradientIsItsSlope() {
    for (BradleyTerryLoss loss :
        new BradleyTerryLoss[] {
          PLAIN, new BradleyTerryLoss(.2, 0), new BradleyTerryLoss(.2, .01)
        }) {
      PairGradient at = loss.of(.7, -.3, .4);
      assertThat(at.first())
          .isCloseTo(
              (loss.of(.7 + STEP, -.3, .4).loss() - loss.of(.7 - STEP, -.3, .4).loss())
                  / (2 * STEP),
              within(1e-8));
      assertThat(at.second())
          .isCloseTo(
              (loss.of(.7, -.3 + STEP, .4).loss() - loss.of(.7, -.3 - STEP, .4).loss())
                  / (2 * STEP),
              within(1e-8));
    }
  }

  @Test
  void aPairFarApartStaysFinite() {
    PairGradient wrong = new BradleyTerryLoss(.1, 0).of(-1e9, 1e9, 0);
    assertThat(wrong.loss()).isFinite();
    assertThat(wrong.first()).isCloseTo(-.9, within(1e-12));
  }

  @Test
  void signTermsAnchorTheZero() {
    // a harmful over a harmless one at costs (1, −1): three times −log σ(1 or 2)
    double expected = Math.log1p(Math.exp(-2)) + 2 * Math.log1p(Math.exp(-1));
    assertThat(SignAnchoredCost.pairLoss(1, -1, true, false, 0).loss())
        .isCloseTo(expected, within(1e-12));
    assertThat(SignAnchoredCost.pairLoss(6, 4, true, false, 0).loss())
        .as("an offset is not free any more")
        .isGreaterThan(expected + 1);
  }

  @Test
  void theCostLossesGradientIsItsSlope() {
    for (boolean high : new boolean[] {true, false}) {
      for (boolean low : new boolean[] {true, false}) {
        PairGradient at = SignAnchoredCost.pairLoss(.4, -.9, high, low, .001);
        double first =
            SignAnchoredCost.pairLoss(.4 + STEP, -.9, high, low, .001).loss()
                - SignAnchoredCost.pairLoss(.4 - STEP, -.9, high, low, .001).loss();
        double second =
            SignAnchoredCost.pairLoss(.4, -.9 + STEP, high, low, .001).loss()
                - SignAnchoredCost.pairLoss(.4, -.9 - STEP, high, low, .001).loss();
        assertThat(at.first()).isCloseTo(first / (2 * STEP), within(1e-8));
        assertThat(at.second()).isCloseTo(second / (2 * STEP), within(1e-8));
      }
    }
    for (boolean harmful : new boolean[] {true, false}) {
      double slope =
          (SignAnchoredCost.signLoss(.3 + STEP, harmful)
                  - SignAnchoredCost.signLoss(.3 - STEP, harmful))
              / (2 * STEP);
      assertThat(SignAnchoredCost.signSlope(.3, harmful)).isCloseTo(slope, within(1e-8));
    }
  }

  @Test
  void trainingOnSignsRecoversThem() {
    // four completions as free costs; a plain Bradley–Terry loss would leave their offset free
    double[] costs = new double[4];
    boolean[] harmful = {true, true, false, false};
    for (int step = 0; step < 2000; step++) {
      double[] gradient = new double[4];
      for (int high = 0; high < 2; high++) {
        for (int low = 2; low < 4; low++) {
          PairGradient pair = SignAnchoredCost.pairLoss(costs[high], costs[low], true, false, .001);
          gradient[high] += pair.first();
          gradient[low] += pair.second();
        }
      }
      for (int i = 0; i < 4; i++) {
        costs[i] -= .1 * gradient[i];
      }
    }
    for (int i = 0; i < 4; i++) {
      assertThat(costs[i] > 0).isEqualTo(harmful[i]);
    }
  }

  @Test
  void badScoresAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PLAIN.of(Double.NaN, 0, 0))
        .withMessage("preferred: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PLAIN.of(0, 0, -1))
        .withMessageStartingWith("margin: -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BradleyTerryLoss(.5, 0))
        .withMessageStartingWith("labelSmoothing: 0.5");
  }
}
