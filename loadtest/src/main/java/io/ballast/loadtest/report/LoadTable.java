package io.ballast.loadtest.report;

import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.LoadScenario;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A load's report for people at a terminal. */
public final class LoadTable {
  private static final String ROW = "  %-16s %9s %9s %9s %9s %9s %9s %9s %9s%n";

  private LoadTable() {}

  /** The text. */
  public static String of(LoadReport report) {
    LoadScenario scenario = report.scenario();
    StringBuilder text = new StringBuilder();
    line(
        text,
        "%s on %s, %s, %d process%s: %.0f s of %.0f s measured",
        scenario.name(),
        report.target(),
        scenario.spread().name().toLowerCase(Locale.ROOT),
        report.processes(),
        report.processes() == 1 ? "" : "es",
        scenario.measuredSeconds(),
        scenario.seconds());
    line(text, "  %s", report.generator().words());
    if (report.verdict() == LoadReport.Verdict.INVALID) {
      report.reasons().forEach(reason -> line(text, "  %s", reason));
      line(text, "INVALID: nothing can be said of the mesh");
      return text.toString();
    }
    CallStats all = report.figures().total();
    line(
        text,
        "  planned %,d   answered %,d   wrong %,d   shed %,d   failed %,d   dropped %,d",
        all.planned(),
        all.answered(),
        all.count(Fate.WRONG),
        all.count(Fate.SHED),
        all.count(Fate.FAILED),
        all.count(Fate.DROPPED));
    line(
        text,
        "  answered %,.1f calls/s, %,.1f of them in time",
        report.answeredPerSecond(),
        report.goodPerSecond());
    counts(text, "answers", all.answers());
    counts(text, "failures", all.failures());
    text.append(
        ROW.formatted("ms", "planned", "answered", "shed", "failed", "p50", "p90", "p99", "p99.9"));
    for (int i = 0; i < scenario.phases().size(); i++) {
      row(
          text,
          scenario.phases().get(i).name() + (scenario.phases().get(i).measured() ? "" : " *"),
          report.figures().phases().get(i));
    }
    if (scenario.mix().size() > 1) {
      scenario.mix().forEach(step -> row(text, step.name(), report.figures().of(step.name())));
    }
    row(text, "all measured", all);
    line(text, "  latency counts from when a call was meant to be sent; * is not measured");
    MemoryTrend memory = report.memory();
    if (memory != null) {
      line(text, "  %s", memory.words());
    }
    for (FaultResult fault : report.faults()) {
      line(
          text,
          "  fault %s at %.1f s took %.1f s, code %d",
          fault.name(),
          fault.atSeconds(),
          fault.seconds(),
          fault.exitCode());
    }
    for (Check check : report.checks()) {
      line(text, "  %-4s %s: %s", check.holds() ? "ok" : "MISS", check.words(), check.seen());
    }
    line(text, "%s", report.verdict());
    return text.toString();
  }

  private static void counts(StringBuilder text, String name, Map<String, Long> counts) {
    if (!counts.isEmpty()) {
      line(
          text,
          "  %s: %s",
          name,
          counts.entrySet().stream()
              .sorted(Map.Entry.comparingByKey())
              .map(each -> "%s %,d".formatted(each.getKey(), each.getValue()))
              .collect(Collectors.joining(", ")));
    }
  }

  private static void row(StringBuilder text, String name, CallStats calls) {
    text.append(
        ROW.formatted(
            name,
            "%,d".formatted(calls.planned()),
            "%,d".formatted(calls.answered()),
            "%,d".formatted(calls.count(Fate.SHED)),
            "%,d".formatted(calls.count(Fate.FAILED) + calls.count(Fate.WRONG)),
            millis(calls.latency(50)),
            millis(calls.latency(90)),
            millis(calls.latency(99)),
            millis(calls.latency(99.9))));
  }

  private static String millis(double seconds) {
    return Double.isNaN(seconds) ? "-" : String.format(Locale.ROOT, "%,.1f", seconds * 1_000);
  }

  private static void line(StringBuilder text, String format, Object... arguments) {
    text.append(String.format(Locale.ROOT, format, arguments)).append(System.lineSeparator());
  }
}
