package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * Counts of some calls, and the latencies of those that were answered as asked. Several can be
 * added up, those of other processes too. Not thread-safe.
 */
public final class CallStats {
  private static final long NANOS_PER_MICRO = 1_000;
  private static final double MICROS = 1e6;

  private final Map<Fate, Long> fates = new EnumMap<>(Fate.class);
  private final Map<String, Long> answers = new TreeMap<>();
  private final Map<String, Long> failures = new TreeMap<>();
  private final Histogram latency;
  private long degraded;

  /** None so far, with latencies to so many decimal digits. */
  CallStats(int digits) {
    this(new Histogram(digits));
  }

  private CallStats(Histogram latency) {
    this.latency = latency; // in microseconds
    latency.setAutoResize(true);
  }

  /** Counts a call. */
  void add(CallRecord call) {
    fates.merge(call.fate(), 1L, Long::sum);
    if (call.fate() == Fate.ANSWERED) {
      latency.recordValue(Math.max(0, call.latencyNanos() / NANOS_PER_MICRO));
      degraded += call.degradations() > 0 ? 1 : 0;
      answers.merge(call.label(), 1L, Long::sum);
    } else {
      failures.merge(call.label(), 1L, Long::sum);
    }
  }

  /** Adds all of another's calls to these. */
  void add(CallStats other) {
    other.fates.forEach((fate, count) -> fates.merge(fate, count, Long::sum));
    other.answers.forEach((label, count) -> answers.merge(label, count, Long::sum));
    other.failures.forEach((label, count) -> failures.merge(label, count, Long::sum));
    latency.add(other.latency);
    degraded += other.degraded;
  }

  /** How many calls ended so. */
  public long count(Fate fate) {
    return fates.getOrDefault(fate, 0L);
  }

  /** How many calls were meant to be sent. */
  public long planned() {
    return fates.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many were answered as asked. */
  public long answered() {
    return count(Fate.ANSWERED);
  }

  /** How many of those said that a part is missing. */
  public long degraded() {
    return degraded;
  }

  /** How many were answered as asked within so many seconds after they were meant to be sent. */
  public long goodWithin(double seconds) {
    double micros = seconds * MICROS;
    return Double.isInfinite(seconds) || micros >= latency.getMaxValue()
        ? answered()
        : latency.getCountBetweenValues(0, (long) micros);
  }

  /** A percentile of latency in seconds; NaN if none was answered. */
  public double latency(double percentile) {
    return answered() == 0 ? Double.NaN : latency.getValueAtPercentile(percentile) / MICROS;
  }

  /** What calls were answered with, counted. */
  Map<String, Long> answers() {
    return Map.copyOf(answers);
  }

  /** Why calls were not answered as asked, counted. */
  Map<String, Long> failures() {
    return Map.copyOf(failures);
  }

  /** The latencies, in microseconds. */
  Histogram histogram() {
    return latency;
  }

  /** Everything, so that {@link #of} makes the same of it. */
  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("planned_count", planned());
    for (Fate fate : Fate.values()) {
      json.put(key(fate), count(fate));
    }
    json.put("degraded_count", degraded);
    new TreeMap<>(answers).forEach(json.putObject("answers")::put);
    new TreeMap<>(failures).forEach(json.putObject("failures")::put);
    ObjectNode times = json.putObject("latency_ms");
    put(times, "mean", answered() == 0 ? Double.NaN : latency.getMean() / MICROS);
    put(times, "p50", latency(50));
    put(times, "p90", latency(90));
    put(times, "p99", latency(99));
    put(times, "p99_9", latency(99.9));
    put(times, "max", latency(100));
    json.put("latency_us_histogram", encoded());
    return json;
  }

  private static void put(ObjectNode times, String key, double seconds) {
    if (Double.isNaN(seconds)) {
      times.putNull(key);
    } else {
      times.put(key, seconds * 1_000);
    }
  }

  private static String key(Fate fate) {
    return fate.name().toLowerCase(Locale.ROOT) + "_count";
  }

  private String encoded() {
    ByteBuffer buffer = ByteBuffer.allocate(latency.getNeededByteBufferCapacity());
    int length = latency.encodeIntoCompressedByteBuffer(buffer);
    byte[] bytes = new byte[length];
    buffer.rewind().get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static CallStats of(JsonNode json) {
    CallStats stats;
    try {
      byte[] bytes = Base64.getDecoder().decode(json.path("latency_us_histogram").asText());
      stats = new CallStats(Histogram.decodeFromCompressedByteBuffer(ByteBuffer.wrap(bytes), 0));
    } catch (DataFormatException | RuntimeException e) {
      throw new IllegalArgumentException("latency_us_histogram: no histogram: " + e, e);
    }
    for (Fate fate : Fate.values()) {
      long count = json.path(key(fate)).asLong();
      if (count > 0) {
        stats.fates.put(fate, count);
      }
    }
    stats.degraded = json.path("degraded_count").asLong();
    json.path("answers")
        .properties()
        .forEach(each -> stats.answers.put(each.getKey(), each.getValue().asLong()));
    json.path("failures")
        .properties()
        .forEach(each -> stats.failures.put(each.getKey(), each.getValue().asLong()));
    return stats;
  }
}
