package io.ballast.standalone.demo.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Both versions are judged alike, and what is withheld counts as what it is: not accepted. */
class ComparisonTest {
  private static final Judgement RIGHT = new Judgement(Outcome.ACCEPTED, 8);
  private static final Judgement WRONG = new Judgement(Outcome.REJECTED, 0);
  private static final Judgement HALF = new Judgement(Outcome.EDITED, 4);

  @Test
  void whatIsWithheldIsNotAcceptedAndBreaksNothing() {
    Judged withheldRight = new Judged("x", false, RIGHT, false);
    Judged withheldBroken = new Judged("y", false, WRONG, true);
    Judged shownRight = new Judged("x", true, RIGHT, false);
    Judged shownBroken = new Judged("y", true, WRONG, true);
    List<List<Judged>> before = List.of(List.of(withheldRight), List.of(shownBroken));
    List<List<Judged>> after = List.of(List.of(shownRight), List.of(withheldBroken));
    Comparison seen = Comparison.of(before, after, List.of("a", "b"), View.GATE_IN_FORCE);
    assertThat(values(seen, Metric.ACCEPTED_PERCENT)).containsExactly(0, 50, 50);
    assertThat(values(seen, Metric.CHARACTERS_SAVED_PER_SUGGESTION)).containsExactly(0, 4, 4);
    assertThat(values(seen, Metric.WITHHELD_PERCENT)).containsExactly(50, 50, 0);
    assertThat(values(seen, Metric.PARSE_BREAKING_PERCENT)).containsExactly(50, 0, -50);
    Comparison written = Comparison.of(before, after, List.of("a", "b"), View.AS_WRITTEN);
    assertThat(values(written, Metric.ACCEPTED_PERCENT)).containsExactly(50, 50, 0);
    assertThat(values(written, Metric.PARSE_BREAKING_PERCENT)).containsExactly(50, 50, 0);
    assertThat(values(written, Metric.WITHHELD_PERCENT)).containsExactly(50, 50, 0);
  }

  @Test
  void drawsOfOnePositionAreAveragedFirst() {
    Judged right = new Judged("x", true, RIGHT, false);
    Judged wrong = new Judged("y", true, WRONG, false);
    assertThat(
            Comparison.perPosition(
                List.of(List.of(right, wrong), List.of(wrong, wrong), List.of(right, right)),
                Metric.ACCEPTED_PERCENT,
                View.GATE_IN_FORCE))
        .containsExactly(50, 0, 100);
  }

  @Test
  void aRightBeginningSavesNothing() {
    Judged edited = new Judged("x", true, HALF, false);
    Comparison comparison =
        Comparison.of(
            List.of(List.of(edited), List.of(edited)),
            List.of(List.of(edited), List.of(edited)),
            List.of("a", "b"),
            View.GATE_IN_FORCE);
    assertThat(values(comparison, Metric.ACCEPTED_PERCENT)).containsExactly(0, 0, 0);
    assertThat(values(comparison, Metric.CHARACTERS_SAVED_PER_SUGGESTION)).containsExactly(0, 0, 0);
  }

  @Test
  void percentagesStayBetweenZeroAndAHundredDifferencesDoNot() {
    Judged right = new Judged("x", true, RIGHT, false);
    Judged wrong = new Judged("y", true, WRONG, false);
    Comparison.Row row =
        Comparison.of(
                List.of(List.of(wrong), List.of(right)),
                List.of(List.of(right), List.of(right)),
                List.of("a", "b"),
                View.GATE_IN_FORCE)
            .row(Metric.ACCEPTED_PERCENT);
    assertThat(row.before()).isEqualTo(new Interval(50, 0, 100));
    assertThat(row.difference().low()).isCloseTo(50 - 50 * 12.706204736, within(1e-4));
  }

  private static double[] values(Comparison comparison, Metric metric) {
    Comparison.Row row = comparison.row(metric);
    return new double[] {row.before().value(), row.after().value(), row.difference().value()};
  }
}
