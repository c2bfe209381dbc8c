package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Two loads, before and after a change: all calls, and those of each step, so that one kind whose
 * calls are slow by their nature hides no other. Each measure is taken of stretches of some
 * intervals, as many as make {@value #STRETCHES} of a load, so that what one slow moment does to
 * its neighbours stays within one; the stretches of both are compared by Welch's test.
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
      String name, String unit, Better better, ToDoubleFunction<Stretch> value) {}

  /**
   * Some intervals together.
   *
   * @param good answers that came while they were good for something
   */
  private record Stretch(CallStats all, List<CallStats> steps, double good) {
    Stretch {
      steps = List.copyOf(steps);
    }
  }

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
          "  %-38s %12.2f %12.2f %-10s %9s  %s",
          name,
          before,
          after,
          unit,
          before <= 0
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
   * @return of all calls, of good answers, of each step where there are several, and of memory if
   *     both have it
   * @throws IllegalArgumentException if one has no figures, or they are of different loads
   */
  public static List<Row> of(JsonNode before, JsonNode after, double noise) {
    SameLoad.require(before, after);
    List<Stretch> first = stretches(before);
    List<Stretch> second = stretches(after);
    double seconds = stretchSeconds(before);
    double otherSeconds = stretchSeconds(after);
    List<Row> rows = new ArrayList<>();
    List<Measure> measures = measures(before.path("figures").path("steps"));
    double error = ERROR / measures.size();
    for (Measure measure : measures) {
      boolean rate = measure.unit().endsWith("/s");
      rows.add(
          row(
              measure,
              values(first, measure, rate ? seconds : 1),
              values(second, measure, rate ? otherSeconds : 1),
              noise,
              error));
    }
    memory(before.path("memory"), after.path("memory"), noise).ifPresent(rows::add);
    return rows;
  }

  private static List<Measure> measures(JsonNode steps) {
    List<Measure> all = new ArrayList<>(measures("", Stretch::all));
    all.add(new Measure("good answers", "answers/s", Better.HIGHER, Stretch::good));
    for (int i = 0; i < steps.size() && steps.size() > 1; i++) {
      int step = i;
      all.addAll(
          measures(
              steps.get(i).path("name").asText() + ": ", stretch -> stretch.steps().get(step)));
    }
    return all;
  }

  private static List<Measure> measures(String of, Function<Stretch, CallStats> calls) {
    return List.of(
        measure(of + "latency p50", "ms", Better.LOWER, calls, each -> each.latency(50) * 1_000),
        measure(of + "latency p99", "ms", Better.LOWER, calls, each -> each.latency(99) * 1_000),
        measure(of + "answered", "calls/s", Better.HIGHER, calls, CallStats::answered),
        measure(of + "not answered as asked", "%", Better.LOWER, calls, LoadComparison::missed),
        measure(of + "shed", "%", Better.LOWER, calls, LoadComparison::shed));
  }

  private static Measure measure(
      String name,
      String unit,
      Better better,
      Function<Stretch, CallStats> calls,
      ToDoubleFunction<CallStats> value) {
    return new Measure(name, unit, better, stretch -> value.applyAsDouble(calls.apply(stretch)));
  }

  /**
   * How much memory grew, if both loads were long enough to tell: a difference beyond noise, of
   * slopes whose intervals have nothing in common.
   */
  private static Optional<Row> memory(JsonNode before, JsonNode after, double noise) {
    if (!before.has("growth_share") || !after.has("growth_share")) {
      return Optional.empty();
    }
    double first = before.path("growth_share").asDouble();
    double second = after.path("growth_share").asDouble();
    boolean apart =
        bound(after, "low") > bound(before, "high") || bound(after, "high") < bound(before, "low");
    Judgement judgement =
        Math.abs(second - first) <= noise || !apart
            ? Judgement.SAME
            : second < first ? Judgement.BETTER : Judgement.WORSE;
    return Optional.of(new Row("memory growth", "%", 100 * first, 100 * second, judgement));
  }

  private static double bound(JsonNode memory, String which) {
    return memory.path("slope_" + which + "_bytes_per_hour").asDouble();
  }

  private static double missed(CallStats calls) {
    return calls.planned() == 0
        ? 0
        : 100.0 * (calls.planned() - calls.answered()) / calls.planned();
  }

  private static double shed(CallStats calls) {
    return calls.planned() == 0 ? 0 : 100.0 * calls.count(Fate.SHED) / calls.planned();
  }

  private static double[] values(List<Stretch> stretches, Measure measure, double seconds) {
    return stretches.stream()
        .mapToDouble(measure.value())
        .filter(value -> !Double.isNaN(value))
        .map(value -> value / seconds)
        .toArray();
  }

  private static List<JsonNode> measured(JsonNode report) {
    List<JsonNode> intervals = new ArrayList<>();
    report.path("figures").path("intervals").forEach(each -> intervals.add(each));
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
  private static List<Stretch> stretches(JsonNode report) {
    List<JsonNode> intervals = measured(report);
    int length = intervalsOfAStretch(intervals.size());
    List<Stretch> stretches = new ArrayList<>();
    for (int i = 0; i + length <= intervals.size(); i += length) {
      stretches.add(stretch(intervals.subList(i, i + length)));
    }
    return stretches;
  }

  private static Stretch stretch(List<JsonNode> intervals) {
    CallStats all = CallStats.of(intervals.getFirst());
    List<CallStats> steps = new ArrayList<>();
    intervals.getFirst().path("steps").forEach(step -> steps.add(CallStats.of(step)));
    double good = 0;
    for (JsonNode interval : intervals) {
      good += interval.path("good_count").asLong();
    }
    for (JsonNode more : intervals.subList(1, intervals.size())) {
      all.add(CallStats.of(more));
      for (int step = 0; step < steps.size(); step++) {
        steps.get(step).add(CallStats.of(more.path("steps").get(step)));
      }
    }
    return new Stretch(all, steps, good);
  }

  private static Row row(
      Measure measure, double[] before, double[] after, double noise, double error) {
    double first = mean(before);
    double second = mean(after);
    Judgement judgement;
    if (before.length < LEAST_STRETCHES || after.length < LEAST_STRETCHES) {
      judgement = Judgement.UNKNOWN;
    } else if (Math.abs(second - first) <= noise * Math.abs(first)
        || !differs(before, after, error)) {
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
