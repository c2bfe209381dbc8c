package io.ballast.rl.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Gaps of scores become probabilities that mean what they say. */
class TemperatureScalingTest {
  @Test
  void gapsOfOneSizeByHand() {
    // three gaps of 2 in order, one not: the target is 5/6 for each, so the likelihood is that of a
    // share (3·5/6 + 1/6)/4 = 2/3 in order: σ(2/T) = 2/3, 1/T = log(2)/2
    assertThat(TemperatureScaling.fit(new double[] {2, 2, 2, -2}).inverseTemperature())
        .isCloseTo(Math.log(2) / 2, within(1e-9));
  }

  @Test
  void aScaleOfTheGapsIsUndone() {
    double[] gaps = {3, -1, .5, 2, -.25, 4};
    double inverse = TemperatureScaling.fit(gaps).inverseTemperature();
    assertThat(inverse).isPositive();
    double[] larger = Arrays.stream(gaps).map(gap -> 1_000 * gap).toArray();
    assertThat(TemperatureScaling.fit(larger).inverseTemperature())
        .isCloseTo(inverse / 1_000, within(1e-12));
  }

  @Test
  void theTemperatureOfDrawnPreferencesIsFoundAgain() {
    SplittableRandom random = new SplittableRandom(5);
    double[] gaps = new double[50_000];
    for (int i = 0; i < gaps.length; i++) {
      double gap = random.nextDouble(-4, 4);
      boolean firstWins = random.nextDouble() < 1 / (1 + Math.exp(-gap / 2.5));
      gaps[i] = firstWins ? gap : -gap;
    }
    // standard error below 0.004: the information of a pair is at least E[g²]·σ(1 − σ) ≈ 1.1
    assertThat(TemperatureScaling.fit(gaps).inverseTemperature()).isCloseTo(1 / 2.5, within(.02));
  }

  @Test
  void separableGapsStayFinite() {
    double inverse = TemperatureScaling.fit(new double[] {1, 2, 3}).inverseTemperature();
    assertThat(inverse).isPositive().isFinite();
  }

  @Test
  void scoresThatSayNothingGiveOneHalf() {
    for (double[] gaps : new double[][] {{0, 0}, {1, -1}, {-2, -3}}) {
      TemperatureScaling fit = TemperatureScaling.fit(gaps);
      assertThat(fit.inverseTemperature()).isZero();
      assertThat(fit.probability(7)).isEqualTo(.5);
    }
  }

  @Test
  void badGapsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TemperatureScaling.fit(new double[] {1, Double.NaN}))
        .withMessageStartingWith("gaps[1]: NaN");
  }
}
