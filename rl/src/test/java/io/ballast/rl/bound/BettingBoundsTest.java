package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Who bets against the true mean hardly becomes rich. */
class BettingBoundsTest {
  @Test
  void oneHarmlessCostByHand() {
    // mirrored x = 1; λ = min(√(2·ln 2/(1·.25)), .75/m) = .75/m for m ≥ .318; wealth
    // 1 + (.75/m)·(1 − m) reaches 1/δ = 2 at m = 3/7, so the mean cost is at most 1 − 3/7
    assertThat(BettingBounds.upper(new double[] {0}, 0, 1, .5)).isCloseTo(4 / 7.0, within(1e-12));
    assertThat(BettingBounds.lower(new double[] {1}, 0, 1, .5)).isCloseTo(3 / 7.0, within(1e-12));
  }

  @Test
  void agreesWithAGridAndAPlainProduct() {
    SplittableRandom random = new SplittableRandom(5);
    for (int trial = 0; trial < 20; trial++) {
      double[] values = new double[10 + random.nextInt(60)];
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.pow(random.nextDouble(), 3);
      }
      double step = 1e-4;
      double lowest = 0;
      while (greatestWealth(values, lowest, .1) >= 10) {
        lowest += step;
      }
      assertThat(BettingBounds.lower(values, 0, 1, .1)).isBetween(lowest - step, lowest);
    }
  }

  private static double greatestWealth(double[] values, double mean, double delta) {
    double wealth = 1;
    double greatest = 1;
    double sum = .5;
    double squares = .25;
    for (int i = 0; i < values.length; i++) {
      double stake = Math.sqrt(2 * Math.log(1 / delta) / (values.length * squares / (i + 1)));
      stake = mean == 0 ? stake : Math.min(stake, .75 / mean);
      wealth *= 1 + stake * (values[i] - mean);
      greatest = Math.max(greatest, wealth);
      sum += values[i];
      squares += Math.pow(values[i] - sum / (i + 2), 2);
    }
    return greatest;
  }

  @Test
  void thePValueIsSmallWhereTheBoundIsAbove() {
    // one 1: the wealth against ¾ is 1 + (.75/.75)·(1 − .75)
    assertThat(BettingBounds.pValue(new double[] {1}, .75, .1)).isCloseTo(.8, within(1e-12));
    SplittableRandom random = new SplittableRandom(9);
    for (int trial = 0; trial < 20; trial++) {
      double[] values = random.doubles(30 + random.nextInt(60)).map(Math::sqrt).toArray();
      double bound = BettingBounds.lower(values, 0, 1, .1);
      assertThat(BettingBounds.pValue(values, bound - 1e-9, .1)).isLessThanOrEqualTo(.1);
      assertThat(BettingBounds.pValue(values, bound + 1e-9, .1)).isGreaterThan(.1);
    }
    assertThat(BettingBounds.pValue(new double[] {0, 0}, .5, .1)).isEqualTo(1);
  }

  @Test
  void aRangeIsAScaleAndAShift() {
    double[] unit = {0, .25, 1, .5, 0, .125};
    double[] wide = Arrays.stream(unit).map(x -> 8 * x - 4).toArray();
    assertThat(BettingBounds.upper(wide, -4, 4, .2))
        .isCloseTo(8 * BettingBounds.upper(unit, 0, 1, .2) - 4, within(1e-12));
    double[] mirrored = Arrays.stream(unit).map(x -> 1 - x).toArray();
    assertThat(BettingBounds.lower(mirrored, 0, 1, .2))
        .isCloseTo(1 - BettingBounds.upper(unit, 0, 1, .2), within(1e-12));
  }

  @Test
  void moreHarmRaisesTheBoundAndMoreConfidenceToo() {
    double[] costs = {0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
    double[] worse = {0, 0, 1, 0, 1, 0, 0, 1, 0, 0};
    double bound = BettingBounds.upper(costs, 0, 1, .1);
    assertThat(BettingBounds.upper(worse, 0, 1, .1)).isGreaterThan(bound);
    assertThat(BettingBounds.upper(costs, 0, 1, .01)).isGreaterThan(bound);
    assertThat(bound).isBetween(.2, 1.0);
  }

  @Test
  void allTheWorstIsTheTop() {
    assertThat(BettingBounds.upper(new double[] {1, 1, 1}, 0, 1, .1)).isEqualTo(1);
    assertThat(BettingBounds.lower(new double[] {0, 0, 0}, 0, 1, .1)).isEqualTo(0);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingBounds.upper(new double[] {.5, 1.5}, 0, 1, .1))
        .withMessage("values[1]: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingBounds.upper(new double[] {.5}, 0, 1, 1))
        .withMessage("delta: 1.0 (expected: above 0, below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingBounds.upper(new double[] {.5}, 1, 1, .1))
        .withMessageStartingWith("high: 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingBounds.upper(new double[] {}, 0, 1, .1))
        .withMessage("values: no elements (expected: at least one)");
  }
}
