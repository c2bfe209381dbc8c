package io.ballast.rl.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Numbers;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The nearest rising line to what happened. */
class IsotonicRegressionTest {
  @Test
  void fivePointsByHand() {
    // 1, 3, 2, 4, 3 at 1 to 5: 3 and 2 pool to 2.5, 4 and 3 to 3.5
    IsotonicRegression line =
        IsotonicRegression.fit(new double[] {1, 2, 3, 4, 5}, new double[] {1, 3, 2, 4, 3}, ones(5));
    assertThat(line.scores()).isEqualTo(Numbers.of(1, 2, 3, 4, 5));
    assertThat(line.values()).isEqualTo(Numbers.of(1, 2.5, 2.5, 3.5, 3.5));
    assertThat(line.value(3.5)).as("straight between blocks").isCloseTo(3, within(1e-12));
    assertThat(line.value(0)).isEqualTo(1);
    assertThat(line.value(9)).isEqualTo(3.5);
  }

  @Test
  void weightsPull() {
    // (1.5·1 + .5·3)/4
    IsotonicRegression line =
        IsotonicRegression.fit(new double[] {1, 2}, new double[] {1.5, .5}, new double[] {1, 3});
    assertThat(line.value(1)).isCloseTo(.75, within(1e-12));
  }

  @Test
  void equalScoresAreOnePointBeforeAnythingPools() {
    // at 2 the mean is .65, over .4
    IsotonicRegression line =
        IsotonicRegression.fit(new double[] {2, 1, 2}, new double[] {1, .4, .3}, ones(3));
    assertThat(line.values()).isEqualTo(Numbers.of(.4, .65));
  }

  @Test
  void whatRisesAlreadyStaysAndWhatFallsIsLevel() {
    IsotonicRegression rising =
        IsotonicRegression.fit(new double[] {1, 2, 3}, new boolean[] {false, false, true});
    // the ends: ½ of 2 + 1, and 1½ of 1 + 1
    assertThat(rising.value(1)).isCloseTo(1 / 6.0, within(1e-12));
    assertThat(rising.value(3)).isCloseTo(.75, within(1e-12));
    IsotonicRegression falling =
        IsotonicRegression.fit(new double[] {1, 2, 3, 4}, new boolean[] {true, true, true, false});
    assertThat(falling.value(1)).isCloseTo(.75, within(1e-12));
    assertThat(falling.value(4)).isCloseTo(.75, within(1e-12));
    assertThat(IsotonicRegression.fit(new double[] {5}, new boolean[] {true}).value(-1))
        .isEqualTo(.75);
    assertThat(IsotonicRegression.fit(new double[] {5}, new boolean[] {false}).value(-1))
        .isEqualTo(.25);
  }

  @Test
  void endsAreShrunkNoFurtherThanTheirNeighbours() {
    // one 0, then 1 of 10: ¼ would be over .1; the last block of 2 is no certainty
    double[] scores = new double[13];
    boolean[] happened = new boolean[13];
    for (int i = 0; i < 13; i++) {
      scores[i] = i;
      happened[i] = i == 1 || i > 10;
    }
    // the fit pools 1 to 10, of which the first happened
    IsotonicRegression line = IsotonicRegression.fit(scores, happened);
    assertThat(line.value(0)).isCloseTo(.1, within(1e-12));
    assertThat(line.value(5)).isCloseTo(.1, within(1e-12));
    assertThat(line.value(12)).isCloseTo(2.5 / 3, within(1e-12));
  }

  @Test
  void agreesWithTheMinimaxFormula() {
    // f(xᵢ) = max over j ≤ i of min over k ≥ i of the weighted mean of j … k
    SplittableRandom random = new SplittableRandom(5);
    for (int trial = 0; trial < 50; trial++) {
      int n = 1 + random.nextInt(30);
      double[] scores = new double[n];
      double[] outcomes = new double[n];
      double[] weights = new double[n];
      for (int i = 0; i < n; i++) {
        scores[i] = i;
        outcomes[i] = random.nextInt(4) / 3.0;
        weights[i] = .5 + random.nextDouble();
      }
      IsotonicRegression line = IsotonicRegression.fit(scores, outcomes, weights);
      for (int i = 0; i < n; i++) {
        assertThat(line.value(i)).isCloseTo(minimax(outcomes, weights, i), within(1e-9));
      }
    }
  }

  private static double minimax(double[] outcomes, double[] weights, int i) {
    double most = Double.NEGATIVE_INFINITY;
    for (int j = 0; j <= i; j++) {
      double least = Double.POSITIVE_INFINITY;
      for (int k = i; k < outcomes.length; k++) {
        double sum = 0;
        double weight = 0;
        for (int m = j; m <= k; m++) {
          sum += weights[m] * outcomes[m];
          weight += weights[m];
        }
        least = Math.min(least, sum / weight);
      }
      most = Math.max(most, least);
    }
    return most;
  }

  @Test
  void itCalibratesWhatIsMonotoneButNoLogistic() {
    SplittableRandom random = new SplittableRandom(6);
    double[] scores = new double[4_000];
    boolean[] happened = new boolean[4_000];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = random.nextDouble();
      happened[i] = random.nextDouble() < truth(scores[i]);
    }
    IsotonicRegression line = IsotonicRegression.fit(scores, happened);
    for (double score : new double[] {.1, .3, .7, .9}) {
      assertThat(line.value(score)).isCloseTo(truth(score), within(.05));
    }
  }

  private static double truth(double score) {
    return score < .5 ? .2 : .8;
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> IsotonicRegression.fit(new double[] {1}, new double[] {1}, new double[] {0}))
        .withMessage("weights[0]: 0.0 (expected: > 0, finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IsotonicRegression.fit(new double[] {}, new boolean[] {}))
        .withMessage("scores: no elements (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new IsotonicRegression(Numbers.of(1, 1), Numbers.of(0, 1)))
        .withMessageStartingWith("knot 1: (1.0, 1.0)");
  }

  private static double[] ones(int count) {
    return Numbers.repeated(1, count).toArray();
  }
}
