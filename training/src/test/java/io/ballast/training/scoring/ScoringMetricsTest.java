package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.rl.preference.TemperatureScaling;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The figures of a model card, by hand. */
class ScoringMetricsTest {
  /** Two groups of one key, then a group of another: worth 3 1 | 2 0 | 5 5. */
  private static final FeatureTable TABLE =
      FeatureTable.ofLabels(List.of(group("A", 3, 1), group("A", 2, 0), group("B", 5, 5)));

  /** The same completions, of which the second and the fourth are a yes. */
  private static final ScoringMetrics EVENTS =
      new ScoringMetrics(
          FeatureTable.ofLabels(List.of(group("A", 0, 1), group("A", 0, 1), group("B", 0, 0))),
          new int[] {0, 1, 2});

  private static final ScoringMetrics METRICS = new ScoringMetrics(TABLE, new int[] {0, 1, 2});

  @Test
  void withinAPromptOnlyPairsOfUnequalLabelCount() {
    // group 0 is ordered, group 1 is tied in score, group 2 has no pair: (1 + ½) / 2
    var accuracy = METRICS.withinPrompt(new double[] {2, 1, 7, 7, 0, 9});
    assertThat(accuracy).isPresent();
    assertThat(accuracy.orElseThrow().value()).isEqualTo(0.75);
    assertThat(accuracy.orElseThrow().pairs()).isEqualTo(2);
  }

  @Test
  void areaUnderTheCurveIsTheShareOfPairsInOrderAndTiesCountHalf() {
    // harmful: indices 1 and 3, scores 5 and 2; harmless: 1, 2, 3, 4
    // 5 beats all four; 2 beats one and ties one: (4 + 1.5) / 8
    assertThat(EVENTS.areaUnderCurve(new double[] {1, 5, 2, 2, 3, 4})).hasValue(5.5 / 8);
  }

  @Test
  void correlationOfALineIsOne() {
    assertThat(METRICS.correlation(new double[] {7, 3, 5, 1, 11, 11}).orElseThrow())
        .isCloseTo(1, within(1e-12));
  }

  @Test
  void calibrationErrorWeighsTheGapOfEachBin() {
    // bin of .25: 4 predicted ×.25, 1 came true: gap 0; bin of .95: 2 predicted, 1 true: gap .9
    assertThat(EVENTS.calibrationError(new double[] {.25, .25, .25, .95, .25, .95}).orElseThrow())
        .isCloseTo((0 + 0.9) / 6, within(1e-12));
  }

  @Test
  void theSignIsRightForFourOfSix() {
    assertThat(EVENTS.signAccuracy(new double[] {-1, 1, -1, -1, 1, -1})).hasValue(4 / 6.0);
  }

  @Test
  void aPreferenceCountsByItsWeight() {
    FeatureTable table =
        FeatureTable.ofLabels(
            List.of(
                new JudgedGroup(
                    "A",
                    TokenIds.of(1),
                    List.of(TokenIds.of(2), TokenIds.of(3)),
                    List.of(new Preference(0, 1, 0, 3), new Preference(1, 0, 0, 1)),
                    List.of(Grade.NONE, Grade.NONE))));
    ScoringMetrics metrics = new ScoringMetrics(table, new int[] {0});
    assertThat(metrics.withinPrompt(new double[] {1, 0}).orElseThrow().value()).isEqualTo(.75);
    assertThat(metrics.areaUnderCurve(new double[] {1, 0})).as("nothing is graded").isEmpty();
    assertThat(metrics.calibrationError(new double[] {1, 0})).isEmpty();
  }

  @Test
  void membersAgreeWhereTheyOrderAlike() {
    // preferences: the first over the second of groups 0 and 1; the second member ties in group 1
    assertThat(
            METRICS.agreement(
                List.of(new double[] {2, 1, 4, 3, 0, 0}, new double[] {5, 0, 1, 1, 0, 0})))
        .hasValue(.5);
    assertThat(METRICS.agreement(List.of(new double[] {2, 1, 4, 3, 0, 0}))).isEmpty();
  }

  @Test
  void aPairsCalibrationErrorIsOfTheMoreLikelyOrder() {
    // gaps log 3 and −log 3 at T = 1: sure .75 of both orders, right of one: |.5 − .75|
    double gap = Math.log(3);
    assertThat(
            METRICS
                .pairCalibrationError(
                    new double[] {gap, 0, 0, gap, 0, 0}, new TemperatureScaling(1))
                .orElseThrow())
        .isCloseTo(.25, within(1e-12));
  }

  @Test
  void whatTheLabelsCannotTellIsAbsent() {
    ScoringMetrics last = new ScoringMetrics(TABLE, new int[] {2});
    double[] scores = {0, 0, 0, 0, 1, 2};
    assertThat(last.withinPrompt(scores)).isEmpty();
    assertThat(last.areaUnderCurve(scores)).isEmpty();
    assertThat(last.correlation(scores)).isEmpty();
  }

  private static JudgedGroup group(String key, double... worth) {
    return new JudgedGroup(
        key,
        TokenIds.of(1),
        Arrays.stream(worth).mapToObj(value -> TokenIds.of(2)).toList(),
        JudgedGroup.byValue(worth),
        JudgedGroup.graded(worth));
  }
}
