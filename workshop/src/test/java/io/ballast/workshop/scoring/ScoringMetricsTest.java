package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The figures of a model card, by hand. */
class ScoringMetricsTest {
  /** Two groups of one file, then a group of another: worth 3 1 | 2 0 | 5 5. */
  private static final FeatureTable TABLE =
      FeatureTable.ofLabels(
          List.of(
              group("A", label(3, false), label(1, true)),
              group("A", label(2, false), label(0, true)),
              group("B", label(5, false), label(5, false))));

  private static final ScoringMetrics METRICS = new ScoringMetrics(TABLE, new int[] {0, 1, 2});

  @Test
  void withinAPromptOnlyPairsOfUnequalLabelCount() {
    // group 0 is ordered, group 1 is tied in score, group 2 has no pair: (1 + ½) / 2
    var accuracy = METRICS.withinPrompt(new double[] {2, 1, 7, 7, 0, 9}, LabelledCompletion::kept);
    assertThat(accuracy).isPresent();
    assertThat(accuracy.orElseThrow().value()).isEqualTo(0.75);
    assertThat(accuracy.orElseThrow().pairs()).isEqualTo(2);
  }

  @Test
  void areaUnderTheCurveIsTheShareOfPairsInOrderAndTiesCountHalf() {
    // harmful: indices 1 and 3, scores 5 and 2; harmless: 1, 2, 3, 4
    // 5 beats all four; 2 beats one and ties one: (4 + 1.5) / 8
    assertThat(METRICS.areaUnderCurve(new double[] {1, 5, 2, 2, 3, 4}, LabelledCompletion::harmful))
        .hasValue(5.5 / 8);
  }

  @Test
  void correlationOfALineIsOne() {
    assertThat(
            METRICS
                .correlation(new double[] {7, 3, 5, 1, 11, 11}, LabelledCompletion::kept)
                .orElseThrow())
        .isCloseTo(1, within(1e-12));
  }

  @Test
  void calibrationErrorWeighsTheGapOfEachBin() {
    // bin of .25: 4 predicted ×.25, 1 came true: gap 0; bin of .95: 2 predicted, 1 true: gap .9
    assertThat(
            METRICS
                .calibrationError(
                    new double[] {.25, .25, .25, .95, .25, .95}, LabelledCompletion::harmful)
                .orElseThrow())
        .isCloseTo((0 + 0.9) / 6, within(1e-12));
  }

  @Test
  void theSignIsRightForFourOfSix() {
    assertThat(
            METRICS.signAccuracy(new double[] {-1, 1, -1, -1, 1, -1}, LabelledCompletion::harmful))
        .hasValue(4 / 6.0);
  }

  @Test
  void whatTheLabelsCannotTellIsAbsent() {
    ScoringMetrics last = new ScoringMetrics(TABLE, new int[] {2});
    double[] scores = {0, 0, 0, 0, 1, 2};
    assertThat(last.withinPrompt(scores, LabelledCompletion::kept)).isEmpty();
    assertThat(last.areaUnderCurve(scores, LabelledCompletion::harmful)).isEmpty();
    assertThat(last.correlation(scores, LabelledCompletion::kept)).isEmpty();
  }

  private static LabelledGroup group(String file, LabelledCompletion... completions) {
    return new LabelledGroup(file, TokenIds.of(1), List.of(completions));
  }

  private static LabelledCompletion label(int kept, boolean harmful) {
    return new LabelledCompletion(TokenIds.of(1), 0, kept, harmful);
  }
}
