package io.ballast.rl.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** How models are judged: order, calibration, agreement within a prompt. */
class MetricsTest {
  @Test
  void aucByHand() {
    // positives .9 and .35 against .8, .3, .1: right in 3 + 2 of 6 pairs
    assertThat(
            RankingMetrics.auc(
                    new double[] {.9, .8, .35, .3, .1},
                    new boolean[] {true, false, true, false, false})
                .orElseThrow())
        .isCloseTo(.833333, within(1e-6));
  }

  @Test
  void tiesCountHalf() {
    boolean[] labels = {true, false, false};
    assertThat(RankingMetrics.auc(new double[] {1, 1, 1}, labels)).hasValue(.5);
    assertThat(RankingMetrics.auc(new double[] {1, 1, 0}, labels)).hasValue(.75);
    assertThat(RankingMetrics.auc(new double[] {1, 2}, new boolean[] {true, true})).isEmpty();
  }

  @Test
  void aucAgreesWithCountingPairs() {
    SplittableRandom random = new SplittableRandom(2);
    double[] scores = new double[60];
    boolean[] labels = new boolean[60];
    for (int i = 0; i < 60; i++) {
      labels[i] = random.nextBoolean();
      scores[i] = random.nextInt(10) + (labels[i] ? 2 : 0);
    }
    double right = 0;
    double pairs = 0;
    for (int i = 0; i < 60; i++) {
      for (int j = 0; j < 60; j++) {
        if (labels[i] && !labels[j]) {
          pairs++;
          right += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? .5 : 0;
        }
      }
    }
    assertThat(RankingMetrics.auc(scores, labels).orElseThrow())
        .isCloseTo(right / pairs, within(1e-12));
  }

  @Test
  void onlyOrderWithinAPromptCounts() {
    // prompt a: right; prompt b: tied scores; between prompts everything is wrong
    double[] scores = {5, 4, 1, 1};
    double[] truth = {2, 1, 9, 8};
    assertThat(RankingMetrics.withinGroupAccuracy(scores, truth, List.of("a", "a", "b", "b")))
        .hasValue(.75);
    assertThat(
            RankingMetrics.withinGroupAccuracy(
                scores, new double[] {1, 1, 1, 1}, List.of("a", "a", "b", "b")))
        .isEmpty();
  }

  @Test
  void correlations() {
    double[] x = {1, 2, 3, 4};
    assertThat(RankingMetrics.pearson(x, new double[] {3, 5, 7, 9}).orElseThrow())
        .isCloseTo(1, within(1e-12));
    // x − 2.5, y − 2.5: products 2.25 − .25·… = (1,3,2,4): Σxy = 4, Σxx = Σyy = 5
    assertThat(RankingMetrics.pearson(x, new double[] {1, 3, 2, 4}).orElseThrow())
        .isCloseTo(.8, within(1e-12));
    assertThat(RankingMetrics.spearman(x, new double[] {1, 10, 100, 1000}).orElseThrow())
        .isCloseTo(1, within(1e-12));
    assertThat(
            RankingMetrics.spearman(new double[] {1, 1, 2}, new double[] {1, 1, 2}).orElseThrow())
        .as("ties share ranks")
        .isCloseTo(1, within(1e-12));
    assertThat(RankingMetrics.pearson(x, new double[] {2, 2, 2, 2})).isEmpty();
  }

  @Test
  void brierAndCalibrationError() {
    double[] p = {.1, .1, .9, .9};
    boolean[] happened = {false, false, true, false};
    // (.01 + .01 + .01 + .81)/4 = .21
    assertThat(Calibration.brier(p, happened)).isCloseTo(.21, within(1e-12));
    // bin 1: |0 − .2| = .2; bin 9: |1 − 1.8| = .8; together over 4
    assertThat(Calibration.expectedError(p, happened, 10)).isCloseTo(.25, within(1e-12));
    assertThat(Calibration.expectedError(new double[] {1}, new boolean[] {true}, 10)).isEqualTo(0);
  }

  @Test
  void priorShift() {
    // trained at 10 %, true 1 %: p = .1 → .01, .5 → .083333, .9 → .45
    assertThat(Calibration.priorCorrected(.1, .1, .01)).isCloseTo(.01, within(1e-9));
    assertThat(Calibration.priorCorrected(.5, .1, .01)).isCloseTo(.083333, within(1e-6));
    assertThat(Calibration.priorCorrected(.9, .1, .01)).isCloseTo(.45, within(1e-9));
    assertThat(Calibration.priorCorrected(.37, .2, .2)).isCloseTo(.37, within(1e-12));
  }

  @Test
  void plattScalingRecoversTheLineThatMadeTheLabels() {
    SplittableRandom random = new SplittableRandom(9);
    double[] scores = new double[20_000];
    boolean[] labels = new boolean[20_000];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = 100 + 2 * random.nextGaussian();
      labels[i] = random.nextDouble() < 1 / (1 + Math.exp(-(1.5 * (scores[i] - 100) - .7)));
    }
    PlattScaling fit = PlattScaling.fit(scores, labels);
    assertThat(fit.slope()).isCloseTo(1.5, within(.06));
    assertThat(fit.probability(100)).isCloseTo(1 / (1 + Math.exp(.7)), within(.02));
    double[] probabilities = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      probabilities[i] = fit.probability(scores[i]);
    }
    assertThat(Calibration.expectedError(probabilities, labels, 10)).isLessThan(.01);
  }

  @Test
  void plattScalingOfTheHardCases() {
    PlattScaling separable =
        PlattScaling.fit(new double[] {-1, -2, 1, 2}, new boolean[] {false, false, true, true});
    assertThat(separable.slope()).isFinite().isPositive();
    // equal scores: the smoothed base rate, (2·¾ + 1·¼·…): targets ¾, ¾, ⅓ have mean .611111
    PlattScaling constant =
        PlattScaling.fit(new double[] {5, 5, 5}, new boolean[] {true, true, false});
    assertThat(constant.slope()).isEqualTo(0);
    assertThat(constant.probability(5)).isCloseTo(.611111, within(1e-6));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PlattScaling.fit(new double[] {1, 2}, new boolean[] {true, true}))
        .withMessage("positive: 2 of 2 (expected: both labels)");
  }
}
