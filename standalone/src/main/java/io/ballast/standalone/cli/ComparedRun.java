package io.ballast.standalone.cli;

import io.ballast.loadtest.chart.Frame;
import io.ballast.loadtest.chart.Series;
import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run beside others.
 *
 * @param line its letter, and how it is drawn
 * @param answer the run with its iterations, of which there may be none
 * @param scalars of each iteration, by tag
 */
record ComparedRun(Frame.Key line, GetRunResponse answer, List<Map<String, Double>> scalars) {
  /** How many can be told apart, in colour or in black and white. */
  static final int MOST = 6;

  private static final List<Frame.Key> LINES =
      List.of(
          new Frame.Key("A", "#2f7fc1", "none"),
          new Frame.Key("B", "#d9822b", "6 3"),
          new Frame.Key("C", "#2e9d5b", "2 2"),
          new Frame.Key("D", "#b0529c", "9 3 2 3"),
          new Frame.Key("E", "#c0504d", "13 4"),
          new Frame.Key("F", "#7a7f87", "5 2 1 2 1 2"));

  /** Copies the list. */
  ComparedRun {
    scalars = List.copyOf(scalars);
  }

  /** The run that is given as number {@code index}, from 0 and below {@link #MOST}. */
  static ComparedRun of(int index, GetRunResponse answer) {
    return new ComparedRun(
        LINES.get(index),
        answer,
        answer.getIterationsList().stream().map(IterationScalars::of).toList());
  }

  String letter() {
    return line.name();
  }

  Run run() {
    return answer.getRun();
  }

  /** Which run it is, in words. */
  String words() {
    return run().getName()
        + ", "
        + run().getRunId()
        + (run().hasBaseVersion() ? ", from " + ModelOptions.text(run().getBaseVersion()) : "");
  }

  /** A number at an iteration. */
  record Reading(int iteration, double value) {}

  /** The last number with {@code tag}; null if no iteration has it. */
  @Nullable Reading last(String tag) {
    for (int i = scalars.size() - 1; i >= 0; i--) {
      Double value = scalars.get(i).get(tag);
      if (value != null) {
        return new Reading(answer.getIterations(i).getIteration(), value);
      }
    }
    return null;
  }

  /** The numbers with {@code tag} over the iterations; no points if no iteration has it. */
  Series series(String tag) {
    List<Series.Point> points = new ArrayList<>();
    boolean any = false;
    for (int i = 0; i < scalars.size(); i++) {
      IterationMetrics metrics = answer.getIterations(i);
      Double value = scalars.get(i).get(tag);
      if (value != null || asked(tag, metrics)) {
        points.add(new Series.Point(metrics.getIteration(), value == null ? Double.NaN : value));
        any |= value != null;
      }
    }
    return new Series(letter(), line.colour(), line.dash(), any ? points : List.of());
  }

  /** Whether a number that is not there is missing: gold, for one, is not asked every time. */
  private static boolean asked(String tag, IterationMetrics metrics) {
    if (tag.startsWith(IterationScalars.GOLD)) {
      return metrics.hasGold() || metrics.hasGoldFailure();
    }
    if (tag.startsWith(IterationScalars.EVALUATION)) {
      return metrics.hasEvaluation() || metrics.hasEvaluationFailure();
    }
    return !tag.startsWith(IterationScalars.MEASURED)
        || metrics.getMeasuredList().stream()
            .map(MeasuredCost::getName)
            .anyMatch(name -> tag.startsWith(IterationScalars.MEASURED + name + "/"));
  }
}
