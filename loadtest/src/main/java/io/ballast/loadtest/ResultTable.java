package io.ballast.loadtest;

import io.ballast.loadtest.openloop.Durations;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.report.GeneratorCheck;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A load's result for people. */
final class ResultTable {
  private static final String ROW = "  %-14s %9s %9s %9s %9s %9s %9s%n";

  private ResultTable() {}

  static String of(String title, GeneratorCheck generator, LoadResult result) {
    StringBuilder table = new StringBuilder();
    table.append(
        line(
            "%s: %,.1f calls/s for %s after %s of warm-up",
            title,
            result.plan().ratePerSecond(),
            Durations.format(result.plan().duration()),
            Durations.format(result.plan().warmUp())));
    table.append(line("  %s", generator.words()));
    table.append(
        line(
            "  planned %,d   answered %,d   failed %,d   dropped %,d   unsent %,d",
            result.planned(),
            result.succeeded(),
            result.failed(),
            result.dropped(),
            result.unsent()));
    table.append(
        line(
            "  sent %,.1f calls/s   answered %,.1f calls/s%s",
            result.sentPerSecond(),
            result.succeededPerSecond(),
            result.cutShort() ? "   ended at --max-calls" : ""));
    table.append(counts("answers", result.answers()));
    table.append(counts("failures", result.failures()));
    table.append(ROW.formatted("ms", "mean", "p50", "p90", "p99", "p99.9", "max"));
    table.append(row("latency", result.latency()));
    table.append(row("service time", result.serviceTime()));
    table.append(row("send delay", result.sendDelay()));
    table.append("  latency counts from when a call was meant to be sent, service time from when");
    table.append(System.lineSeparator()).append("  it was; a call that failed is in neither");
    return table.append(System.lineSeparator()).toString();
  }

  private static String counts(String name, Map<String, Long> counts) {
    if (counts.isEmpty()) {
      return "";
    }
    return line(
        "  %s: %s",
        name,
        counts.entrySet().stream()
            .map(e -> "%s %,d".formatted(e.getKey(), e.getValue()))
            .collect(Collectors.joining(", ")));
  }

  private static String row(String name, Latencies times) {
    return ROW.formatted(
        name,
        millis(times.meanNanos()),
        millis(times.nanosAt(50)),
        millis(times.nanosAt(90)),
        millis(times.nanosAt(99)),
        millis(times.nanosAt(99.9)),
        millis(times.maxNanos()));
  }

  private static String millis(double nanos) {
    return String.format(Locale.ROOT, "%,.2f", nanos / 1e6);
  }

  private static String line(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments) + System.lineSeparator();
  }
}
