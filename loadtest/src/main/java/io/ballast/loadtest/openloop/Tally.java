package io.ballast.loadtest.openloop;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** Counts and times the measured calls of one load. Thread-safe. */
final class Tally {
  private static final long LONGEST_NANOS = 3_600_000_000_000L;

  private final Histogram latency = histogram();
  private final Histogram serviceTime = histogram();
  private final Histogram sendDelay = histogram();
  private final ConcurrentMap<String, LongAdder> answers = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, LongAdder> failures = new ConcurrentHashMap<>();

  private static Histogram histogram() {
    return new ConcurrentHistogram(LONGEST_NANOS, 3);
  }

  /** Notes how much later than intended a call was sent. */
  void sent(long intended, long sent) {
    record(sendDelay, sent - intended);
  }

  /**
   * Notes how a call ended. All times are on one clock, in nanoseconds.
   *
   * @param intended when it was meant to be sent: latency counts from here
   * @param sent when it was sent
   */
  void ended(long intended, long sent, long now, Outcome outcome) {
    if (outcome.succeeded()) {
      record(latency, now - intended);
      record(serviceTime, now - sent);
    }
    count(outcome.succeeded() ? answers : failures, outcome.label());
  }

  private static void record(Histogram histogram, long nanos) {
    histogram.recordValue(Math.clamp(nanos, 0, LONGEST_NANOS));
  }

  private static void count(ConcurrentMap<String, LongAdder> counts, String label) {
    counts.computeIfAbsent(label, unseen -> new LongAdder()).increment();
  }

  Latencies latency() {
    return new Latencies(latency);
  }

  Latencies serviceTime() {
    return new Latencies(serviceTime);
  }

  Latencies sendDelay() {
    return new Latencies(sendDelay);
  }

  Map<String, Long> answers() {
    return sorted(answers);
  }

  Map<String, Long> failures() {
    return sorted(failures);
  }

  private static Map<String, Long> sorted(Map<String, LongAdder> counts) {
    Map<String, Long> sorted = new TreeMap<>();
    counts.forEach((label, adder) -> sorted.put(label, adder.sum()));
    return sorted;
  }
}
