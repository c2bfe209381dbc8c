package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.watch.GoldReading.Measured;
import io.ballast.rl.selection.GoldFit;
import io.ballast.rl.selection.GoldFits;
import io.ballast.rl.selection.GoldForm;
import io.ballast.rl.selection.GoldPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How gold has gone with the distance from the first policy, as far as it can be said. */
public sealed interface GoldCurve {
  /** Of the intervals. */
  double CONFIDENCE = 0.95;

  /**
   * A curve.
   *
   * @param fit of gold less {@code start}
   * @param start mean gold under the first policy
   */
  record Fitted(GoldFit fit, double start) implements GoldCurve {}

  /** There is none. */
  record None(String reason) implements GoldCurve {}

  /**
   * What an iteration says of it.
   *
   * @param iteration from 1; the first samples from the first policy itself
   * @param klNats KL(π ‖ π_ref) of the policy that sampled, ≥ 0
   * @param gold null where it was not asked
   */
  record Point(int iteration, double klNats, @Nullable GoldReading gold) {}

  /**
   * Fits Gao's form of reinforcement learning, R(d) = d·(α − β·ln d), to {@code points}. Points of
   * one run err together, so the intervals of Student's t tell how smooth the curve is, not how
   * sure.
   */
  static GoldCurve of(List<Point> points) {
    if (points.stream().allMatch(point -> point.gold() == null)) {
      return new None("gold was not read");
    }
    Double start = null;
    List<GoldPoint> golds = new ArrayList<>();
    for (Point point : points) {
      if (!(point.gold() instanceof Measured measured)) {
        continue;
      }
      if (point.iteration() == 1) {
        start = measured.gold();
      }
      if (start == null) {
        return new None(
            String.format(
                Locale.ROOT,
                "gold was first read in iteration %,d, and is unknown of the first policy",
                point.iteration()));
      }
      double distance = Math.sqrt(Math.max(0, point.klNats()));
      double gain = measured.gold() - start;
      if (distance > GoldPoint.MAX_DISTANCE || Math.abs(gain) > GoldPoint.MAX_GOLD) {
        return new None(
            String.format(
                Locale.ROOT,
                "iteration %,d: KL %s, gold gain %s: too far to fit",
                point.iteration(),
                point.klNats(),
                gain));
      }
      golds.add(new GoldPoint(distance, gain));
    }
    return start == null ? new None("gold was asked and never answered") : fitted(golds, start);
  }

  private static GoldCurve fitted(List<GoldPoint> points, double start) {
    List<Double> distances =
        points.stream()
            .map(GoldPoint::distance)
            .filter(distance -> distance >= GoldFits.LEAST_RL_DISTANCE)
            .toList();
    if (distances.size() < GoldFits.LEAST_POINTS) {
      return new None(
          String.format(
              Locale.ROOT,
              "%d of %d readings of gold are at a KL of %.2f nats or more (expected: at least %d)",
              distances.size(),
              points.size(),
              GoldFits.LEAST_RL_DISTANCE * GoldFits.LEAST_RL_DISTANCE,
              GoldFits.LEAST_POINTS));
    }
    try {
      return new Fitted(
          GoldFits.studentT(GoldForm.REINFORCEMENT_LEARNING, points, CONFIDENCE), start);
    } catch (IllegalArgumentException e) { // all at one distance, or beyond what a double holds
      return new None(String.valueOf(e.getMessage()));
    }
  }
}
