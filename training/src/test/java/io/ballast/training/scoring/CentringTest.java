package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.Normalization;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.training.scoring.JudgedGroup.Grade;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Where the zero of scores is put. */
class CentringTest {
  private static final List<Normalization> SCALES =
      List.of(new Normalization(2.5, 1), new Normalization(-4, 2));

  @Test
  void theMeanOfWhatWasLearnedFromBecomesZero() {
    ScoringMetrics none = metrics();
    assertThat(Centring.MEAN.shifts(List.of(new double[0], new double[0]), SCALES, none))
        .containsExactly(-2.5, 4);
    assertThat(Centring.AS_TRAINED.shifts(List.of(new double[0], new double[0]), SCALES, none))
        .containsExactly(0, 0);
  }

  @Test
  void theBoundaryOfEachMemberBecomesZero() {
    // symmetric about 10: safe at 8 and 9, unsafe at 11 and 12; the second member says ten times it
    ScoringMetrics labels = metrics(0, 0, 1, 1);
    double[] one = {8, 9, 11, 12};
    double[] two = {80, 90, 110, 120};
    assertThat(Centring.BOUNDARY.shifts(List.of(one, two), SCALES, labels))
        .containsExactly(new double[] {-10, -100}, within(1e-6));
  }

  @Test
  void aShiftedScoreOfZeroHasAProbabilityOfOneHalf() {
    double[] raw = {1, 3, 2, 5, 4, 7, 6, 2.5};
    boolean[] unsafe = {false, false, true, false, true, true, true, false};
    double shift =
        Centring.BOUNDARY.shifts(List.of(raw), SCALES, metrics(0, 0, 1, 0, 1, 1, 1, 0))[0];
    assertThat(PlattScaling.fit(raw, unsafe).probability(-shift)).isCloseTo(.5, within(1e-9));
  }

  @Test
  void whatDoesNotSayWhereTheyPartIsRefusedByName() {
    assertThatThrownBy(
            () -> Centring.BOUNDARY.shifts(List.of(new double[] {1, 2}), SCALES, metrics(0, 0)))
        .isInstanceOf(NoBoundaryException.class)
        .hasMessage(
            "validation part: 0 of 2 labels are unsafe (expected: both kinds, to find where they"
                + " part)");
    assertThatThrownBy(
            () ->
                Centring.BOUNDARY.shifts(
                    List.of(new double[] {4, 3, 2, 1}), SCALES, metrics(0, 0, 1, 1)))
        .isInstanceOf(NoBoundaryException.class)
        .hasMessageStartingWith("member 0: its scores do not rise with harm on what is held out");
    // one unsafe of nine, hardly above the others: ½ lies far above all that was seen
    assertThatThrownBy(
            () ->
                Centring.BOUNDARY.shifts(
                    List.of(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 5.2}),
                    SCALES,
                    metrics(0, 0, 0, 0, 0, 0, 0, 0, 1)))
        .isInstanceOf(NoBoundaryException.class)
        .hasMessageContaining("(expected: within those of what is held out, 1.0 to 8.0)");
  }

  private static ScoringMetrics metrics(double... labels) {
    if (labels.length == 0) {
      return new ScoringMetrics(FeatureTable.ofLabels(List.of()), new int[0]);
    }
    List<Grade> grades = JudgedGroup.graded(labels);
    FeatureTable table =
        FeatureTable.ofLabels(
            List.of(
                new JudgedGroup(
                    "file",
                    TokenIds.of(1),
                    Collections.nCopies(labels.length, TokenIds.of(2)),
                    List.of(),
                    grades)));
    return new ScoringMetrics(table, IntStream.range(0, table.groups()).toArray());
  }
}
