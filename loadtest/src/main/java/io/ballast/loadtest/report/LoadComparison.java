package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Two loads, before and after a change. Each measure is taken of stretches of some intervals, as
 * many as make {@value #STRETCHES} of a load, so that what one slow moment does to its neighbours
 * stays within one; the stretches of both are compared by Welch's test.
 *
 * <p>Source: Welch 1947, Biometrika 34; stretches are the batch means of Schmeiser 1982, Operations
 * Research 30. That tells noise within a load from a difference. Between two loads of the same mesh
 * there is more (another hour, another heap), which no single pair can show: a difference below the
 * caller's {@code noise} is not told either.
 */
public final class LoadComparison {
  private static final int STRETCHES = 10;
  private static final int LEAST_STRETCHES = 3;
  private static final double ERROR = 0.01;

  private LoadComparison() {}

  /** Which way a measure is better. */
  private enum Better {
    LOWER,
    HIGHER
  }

  private record Measure(
      String name, String unit, Better better, ToDoubleFunction<CallStats> value) {}

  /**
   * A measure of both loads.
   *
   * @param before of the first
   * @param after of the second
   * @param judgement what is to be said of the difference
   */
  public record Row(String name, String unit, double before, double after, Judgement judgement) {
    /** For people. */
    public String text() {
      return String.format(
          Locale.ROOT,
          "  %-22s %12.2f %12.2f %-10s %9s  %s",
          name,
          before,
          after,
          unit,
          before == 0
              ? "-"
              : String.format(Locale.ROOT, "%+.1f %%", 100 * (after - before) / before),
          judgement.name().toLowerCase(Locale.ROOT));
    }
  }

  /** What a difference is. */
  public enum Judgement {
    /** Within noise. */
    SAME,
    /** To the good, beyond noise. */
    BETTER,
    /** To the bad, beyond noise. */
    WORSE,
    /** There are too few stretches to tell. */
    UNKNOWN
  }

  /**
   * Compares what {@link LoadReport#json} wrote of two loads.
   *
   * @param noise the share by which two loads of the same mesh may differ, at least 0
   * @throws IllegalArgumentException if one has no figures, or they are of different scenarios
   */
  public static List<Row> of(JsonNode before, JsonNode after, double noise) {
    String name = before.path("scenario").asText();
    if (!name.equals(after.path("scenario").asText())) {
      throw new IllegalArgumentException(
          "scenarios: %s and %s (expected: the same)"
              .formatted(name, after.path("scenario").asText()));
    }
    List<CallStats> first = stretches(before);
    List<CallStats> second = stretches(after);
    double seconds = stretchSeconds(before);
    double otherSeconds = stretchSeconds(after);
    List<Row> rows = new ArrayList<>();
    for (Measure measure : measures()) {
      boolean rate = measure.unit().endsWith("/s");
      rows.add(
          row(
              measure,
              values(first, measure, rate ? seconds : 1),
              values(second, measure, rate ? otherSeconds : 1),
              noise));
    }
    return rows;
  }

  private static List<Measure> measures() {
    return List.of(
        new Measure("latency p50", "ms", Better.LOWER, calls -> calls.latency(50) * 1_000),
        new Measure("latency p99", "ms", Better.LOWER, calls -> calls.latency(99) * 1_000),
        new Measure("answered", "calls/s", Better.HIGHER, CallStats::answered),
        new Measure("not answered as asked", "%", Better.LOWER, LoadComparison::missed),
        new Measure("shed", "%", Better.LOWER, LoadComparison::shed));
  }

  private static double missed(CallStats calls) {
    return calls.planned() == 0
        ? 0
        : 100.0 * (calls.planned() - calls.answered()) / calls.planned();
  }

  private static double shed(CallStats calls) {
    return calls.planned() == 0 ? 0 : 100.0 * calls.count(Fate.SHED) / calls.planned();
  }

  private static double[] values(List<CallStats> stretches, Measure measure, double seconds) {
    return stretches.stream()
        .mapToDouble(measure.value())
        .filter(value -> !Double.isNaN(value))
        .map(value -> value / seconds)
        .toArray();
  }

  private static List<JsonNode> measured(JsonNode report) {
    JsonNode figures = report.path("figures");
    if (!figures.isObject()) {
      throw new IllegalArgumentException(
          "%s: a load that is %s has no figures"
              .formatted(
                  report.path("scenario").asText(), report.path("verdict").asText("absent")));
    }
    List<JsonNode> intervals = new ArrayList<>();
    figures.path("intervals").forEach(each -> intervals.add(each));
    intervals.removeIf(each -> !each.path("measured").asBoolean());
    return intervals;
  }

  private static int intervalsOfAStretch(int intervals) {
    return Math.max(1, intervals / STRETCHES);
  }

  private static double stretchSeconds(JsonNode report) {
    return intervalsOfAStretch(measured(report).size())
        * report.path("figures").path("interval_seconds").asDouble();
  }

  /** Whole stretches; what is left over at the end is in none. */
  private static List<CallStats> stretches(JsonNode report) {
    List<JsonNode> intervals = measured(report);
    int length = intervalsOfAStretch(intervals.size());
    List<CallStats> stretches = new ArrayList<>();
    for (int i = 0; i + length <= intervals.size(); i += length) {
      CallStats stretch = CallStats.of(intervals.get(i));
      for (JsonNode more : intervals.subList(i + 1, i + length)) {
        stretch.add(CallStats.of(more));
      }
      stretches.add(stretch);
    }
    return stretches;
  }

  private static Row row(Measure measure, double[] before, double[] after, double noise) {
    double first = mean(before);
    double second = mean(after);
    Judgement judgement;
    if (before.length < LEAST_STRETCHES || after.length < LEAST_STRETCHES) {
      judgement = Judgement.UNKNOWN;
    } else if (Math.abs(second - first) <= noise * Math.abs(first)
        || !differs(before, after, ERROR / measures().size())) {
      judgement = Judgement.SAME;
    } else {
      judgement =
          (second < first) == (measure.better() == Better.LOWER)
              ? Judgement.BETTER
              : Judgement.WORSE;
    }
    return new Row(measure.name(), measure.unit(), first, second, judgement);
  }

  /**
   * Welch's test of equal means, two-sided.
   *
   * @param error the probability of a difference where there is none
   */
  static boolean differs(double[] before, double[] after, double error) {
    double first = variance(before) / before.length;
    double second = variance(after) / after.length;
    double difference = Math.abs(mean(after) - mean(before));
    if (first + second == 0) {
      return difference > 0;
    }
    double freedom =
        (first + second)
            * (first + second)
            / (first * first / (before.length - 1) + second * second / (after.length - 1));
    double t = difference / Math.sqrt(first + second);
    return 2 * TDistribution.of(freedom).survivalProbability(t) < error;
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return values.length == 0 ? Double.NaN : sum / values.length;
  }

  private static double variance(double[] values) {
    double mean = mean(values);
    double sum = 0;
    for (double value : values) {
      sum += (value - mean) * (value - mean);
    }
    return sum / (values.length - 1);
  }
}
