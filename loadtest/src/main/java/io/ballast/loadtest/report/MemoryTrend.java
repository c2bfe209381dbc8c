package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * How a server's memory went over a load.
 *
 * @param samples in the order of time
 */
public record MemoryTrend(List<Sample> samples) {
  private static final int STRETCHES = 10;
  private static final double CONFIDENCE = 0.95;
  private static final double HOUR = 3_600;
  private static final double MEGABYTE = 1e6;

  /** Copies the list. */
  public MemoryTrend {
    samples = List.copyOf(samples);
  }

  /**
   * What the server had at one moment.
   *
   * @param seconds after the load's beginning
   */
  public record Sample(double seconds, double bytes) {}

  /**
   * A slope with its interval, in bytes an hour; NaN where there are fewer than {@value #STRETCHES}
   * samples.
   */
  public record Slope(double value, double low, double high) {
    /** Whether it is one at all: the interval leaves zero out. */
    public boolean significant() {
      return low > 0 || high < 0;
    }
  }

  /**
   * The straight line of least squares through the means of {@value #STRETCHES} stretches, with
   * Student's interval at 95 %. A heap that fills and is collected makes neighbours alike;
   * stretches longer than that are not.
   */
  public Slope slope() {
    if (samples.size() < STRETCHES) {
      return new Slope(Double.NaN, Double.NaN, Double.NaN);
    }
    List<Sample> means = new ArrayList<>();
    for (int i = 0; i < STRETCHES; i++) {
      means.add(mean(samples.size() * i / STRETCHES, samples.size() * (i + 1) / STRETCHES));
    }
    Sample middle =
        new Sample(
            means.stream().mapToDouble(Sample::seconds).average().orElseThrow(),
            means.stream().mapToDouble(Sample::bytes).average().orElseThrow());
    double spread = 0;
    double together = 0;
    for (Sample mean : means) {
      double time = mean.seconds() - middle.seconds();
      spread += time * time;
      together += time * (mean.bytes() - middle.bytes());
    }
    double slope = together / spread;
    double residual = 0;
    for (Sample mean : means) {
      double expected = middle.bytes() + slope * (mean.seconds() - middle.seconds());
      residual += (mean.bytes() - expected) * (mean.bytes() - expected);
    }
    double freedom = STRETCHES - 2;
    double half =
        TDistribution.of(freedom).inverseSurvivalProbability((1 - CONFIDENCE) / 2)
            * Math.sqrt(residual / freedom / spread);
    return new Slope(slope * HOUR, (slope - half) * HOUR, (slope + half) * HOUR);
  }

  /**
   * How much more there was in the last quarter than in the second, as a share; NaN for fewer than
   * {@value #STRETCHES} samples. The first quarter is left out: a server fills its caches then.
   */
  public double growth() {
    int size = samples.size();
    return size < STRETCHES
        ? Double.NaN
        : mean(size * 3 / 4, size).bytes() / mean(size / 4, size / 2).bytes() - 1;
  }

  private Sample mean(int from, int to) {
    List<Sample> part = samples.subList(from, to);
    return new Sample(
        part.stream().mapToDouble(Sample::seconds).average().orElseThrow(),
        part.stream().mapToDouble(Sample::bytes).average().orElseThrow());
  }

  /** For people. */
  public String words() {
    if (samples.isEmpty()) {
      return "memory: nothing was read";
    }
    double last = samples.getLast().bytes() / MEGABYTE;
    if (samples.size() < STRETCHES) {
      return String.format(Locale.ROOT, "memory: %.0f MB at the end; too short for a trend", last);
    }
    Slope slope = slope();
    return String.format(
        Locale.ROOT,
        "memory: %.0f MB at the end; %+.1f MB an hour (95 %%: %+.1f to %+.1f%s); last quarter"
            + " beside second %+.1f %%",
        last,
        slope.value() / MEGABYTE,
        slope.low() / MEGABYTE,
        slope.high() / MEGABYTE,
        slope.significant() ? "" : ": none that can be told from zero",
        100 * growth());
  }

  /** For machines. */
  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (samples.size() >= STRETCHES) {
      Slope slope = slope();
      json.put("slope_bytes_per_hour", slope.value());
      json.put("slope_low_bytes_per_hour", slope.low());
      json.put("slope_high_bytes_per_hour", slope.high());
      json.put("growth_share", growth());
    }
    ArrayNode all = json.putArray("samples");
    samples.forEach(
        sample -> all.addObject().put("seconds", sample.seconds()).put("bytes", sample.bytes()));
    return json;
  }
}
