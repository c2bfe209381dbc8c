package io.ballast.orchestrator.core.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.watch.GoldCurve.Fitted;
import io.ballast.orchestrator.core.watch.GoldCurve.Point;
import io.ballast.orchestrator.core.watch.GoldReading.Failed;
import io.ballast.orchestrator.core.watch.GoldReading.Measured;
import io.ballast.rl.selection.GoldFit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Gao's form is fitted to what a run's gold said, or there is a reason why not. */
class GoldCurveTest {
  private static Point at(int iteration, double klNats, double gold) {
    return new Point(iteration, klNats, new Measured(gold, 1, 0, 1, 8, 0));
  }

  private static Point without(int iteration, double klNats, @Nullable GoldReading gold) {
    return new Point(iteration, klNats, gold);
  }

  @Test
  void aCurveOfGaosFormIsFoundAgain() {
    // α = 0.35, β = 0.146, gold 2 at first: d* = exp(0.35/0.146 − 1) = 4.0441, R* = 0.146·d* =
    // 0.59044
    List<Point> points = new ArrayList<>(List.of(at(1, 0, 2)));
    for (int d = 1; d <= 5; d++) {
      points.add(at(1 + d, d * d, 2 + d * (0.35 - 0.146 * Math.log(d))));
    }

    Fitted fitted = (Fitted) GoldCurve.of(points);
    GoldFit fit = fitted.fit();

    assertThat(fitted.start()).isEqualTo(2);
    assertThat(fit.alpha().estimate()).isCloseTo(0.35, within(1e-9));
    assertThat(fit.beta().estimate()).isCloseTo(0.146, within(1e-9));
    assertThat(fit.points()).isEqualTo(5);
    assertThat(fit.excluded()).as("the first, at distance 0").isEqualTo(1);
    GoldFit.Peak peak = fit.peak().orElseThrow();
    assertThat(peak.distance()).isCloseTo(4.0441, within(1e-3));
    assertThat(peak.kl()).isCloseTo(16.355, within(1e-2));
    assertThat(peak.gold()).isCloseTo(0.59044, within(1e-4));
    assertThat(peak.observed()).isTrue();
  }

  @Test
  void iterationsWithoutGoldAreNoPoints() {
    List<Point> points =
        List.of(
            at(1, 0, 0),
            without(2, 1, null),
            without(3, 1, new Failed("UNKNOWN_MODEL", "no such model")),
            at(4, 1, 0.5),
            at(5, 4, 0.7),
            at(6, 9, 0.6));

    assertThat(((Fitted) GoldCurve.of(points)).fit().points()).isEqualTo(3);
  }

  @Test
  void thereIsAReasonWhereThereIsNoCurve() {
    Failed away = new Failed("DEPENDENCY_DOWN", "away");

    assertThat(GoldCurve.of(List.of())).isEqualTo(none("gold was not read"));
    assertThat(GoldCurve.of(List.of(without(1, 0, null)))).isEqualTo(none("gold was not read"));
    assertThat(GoldCurve.of(List.of(without(1, 0, away))))
        .isEqualTo(none("gold was asked and never answered"));
    assertThat(GoldCurve.of(List.of(without(1, 0, away), at(2, 1, 1), at(3, 4, 1), at(4, 9, 1))))
        .isEqualTo(none("gold was first read in iteration 2, and is unknown of the first policy"));
    assertThat(GoldCurve.of(List.of(at(1, 0, 1), at(2, 0.05, 1), at(3, 1, 1), at(4, 4, 1))))
        .isEqualTo(
            none(
                "2 of 4 readings of gold are at a KL of 0.09 nats or more (expected: at least 3)"));
    assertThat(GoldCurve.of(List.of(at(1, 0, 1), at(2, 4, 1), at(3, 4, 2), at(4, 4, 3))))
        .isEqualTo(none("points: all at distance 2.0 (expected: at least two different ones)"));
    assertThat(GoldCurve.of(List.of(at(1, 0, -1e100), at(2, 1, 1e100))))
        .isEqualTo(none("iteration 2: KL 1.0, gold gain 2.0E100: too far to fit"));
  }

  private static GoldCurve none(String reason) {
    return new GoldCurve.None(reason);
  }
}
