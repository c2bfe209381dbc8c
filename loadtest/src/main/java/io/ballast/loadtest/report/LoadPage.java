package io.ballast.loadtest.report;

import io.ballast.loadtest.chart.BarChart;
import io.ballast.loadtest.chart.HtmlPage;
import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** A load's report as a page with plots that needs no network. */
public final class LoadPage {
  private static final int BARS = 40;
  private static final double MICROS_PER_MILLI = 1_000;
  private static final String BLUE = "#1565c0";
  private static final String RED = "#b3261e";
  private static final String GREEN = "#2e7d32";
  private static final String GREY = "#78828c";
  private static final String AMBER = "#b26a00";

  private LoadPage() {}

  /** The page. */
  public static String html(LoadReport report) {
    String title = report.scenario().name() + ": " + report.verdict();
    Markup page = HtmlPage.begin(title);
    page.element("h1", title);
    page.element(
        "p",
        String.format(
            Locale.ROOT,
            "%s, %s arrivals, seed %d, %d process(es), %.0f of %.0f s measured. Latency counts from"
                + " when a call was meant to be sent.",
            report.target(),
            report.scenario().spread().name().toLowerCase(Locale.ROOT),
            report.scenario().seed(),
            report.processes(),
            report.scenario().measuredSeconds(),
            report.scenario().seconds()));
    if (!report.reasons().isEmpty()) {
      page.open("ul");
      report.reasons().forEach(reason -> page.element("li", reason));
      page.close("ul");
    }
    generator(page, report.generator());
    if (report.verdict() != LoadReport.Verdict.INVALID) {
      checks(page, report);
      plots(page, report.figures());
      memory(page, report.memory());
      tables(page, report);
    }
    return HtmlPage.end(page);
  }

  private static void generator(Markup page, GeneratorCheck generator) {
    page.element("h2", "The generator itself");
    page.element(
        "p",
        String.format(
            Locale.ROOT,
            "It manages %,.0f calls/s against a server that does nothing; %,.1f calls/s at the"
                + " peak, times %s, are needed. It sent calls %s late at the 99th percentile; %s is"
                + " allowed.",
            generator.ceilingPerSecond(),
            generator.peakPerSecond(),
            generator.headroom(),
            millis(generator.sendDelaySeconds()) + " ms",
            millis(generator.limitSeconds()) + " ms"));
  }

  private static void checks(Markup page, LoadReport report) {
    page.element("h2", "What had to hold");
    table(
        page,
        List.of("", "what", "seen"),
        report.checks().stream()
            .map(check -> List.of(check.holds() ? "ok" : "MISSED", check.words(), check.seen()))
            .toList());
  }

  private static void plots(Markup page, LoadFigures figures) {
    page.element("h2", "Over time");
    page.open("div", "class", "plots");
    page.add(
        LineChart.of(
            "Latency, ms",
            "seconds",
            List.of(
                line("p50", BLUE, figures, calls -> calls.latency(50) * 1_000),
                line("p99", RED, figures, calls -> calls.latency(99) * 1_000)),
            null));
    double seconds = figures.intervalSeconds();
    page.add(
        LineChart.of(
            "Calls a second",
            "seconds",
            List.of(
                line("planned", GREY, figures, calls -> calls.planned() / seconds),
                line("answered", GREEN, figures, calls -> calls.answered() / seconds),
                line("shed", AMBER, figures, calls -> calls.count(Fate.SHED) / seconds),
                line("failed", RED, figures, calls -> failed(calls) / seconds)),
            null));
    page.add(BarChart.of("Calls by latency", "ms", bars(figures.total().histogram())));
    page.close("div");
  }

  private static void memory(Markup page, @Nullable MemoryTrend memory) {
    if (memory == null) {
      return;
    }
    page.element("h2", "The server's memory").element("p", memory.words());
    List<Series.Point> points =
        memory.samples().stream()
            .map(sample -> new Series.Point(sample.seconds(), sample.bytes() / 1e6))
            .toList();
    page.open("div", "class", "plots")
        .add(LineChart.of("Memory, MB", "seconds", List.of(new Series("", BLUE, points)), null))
        .close("div");
  }

  private static double failed(CallStats calls) {
    return (double) calls.planned() - calls.answered() - calls.count(Fate.SHED);
  }

  private static Series line(
      String name, String colour, LoadFigures figures, ToDoubleFunction<CallStats> value) {
    List<Series.Point> points = new ArrayList<>();
    List<CallStats> intervals = figures.intervals();
    for (int i = 0; i < intervals.size(); i++) {
      points.add(
          new Series.Point(
              (i + 0.5) * figures.intervalSeconds(), value.applyAsDouble(intervals.get(i))));
    }
    return new Series(name, colour, points);
  }

  /** The latencies in classes of equal width on a logarithmic scale. */
  static List<BarChart.Bar> bars(Histogram micros) {
    List<BarChart.Bar> bars = new ArrayList<>();
    if (micros.getTotalCount() == 0) {
      return bars;
    }
    double low = Math.max(1, micros.getMinValue());
    double high = Math.max(low * 1.1, micros.getMaxValue());
    long below = 0;
    for (int i = 0; i < BARS; i++) {
      double from = low * Math.pow(high / low, (double) i / BARS);
      double to = low * Math.pow(high / low, (i + 1.0) / BARS);
      long upTo =
          i == BARS - 1
              ? micros.getTotalCount()
              : micros.getCountBetweenValues(0, Math.max(0, (long) Math.ceil(to) - 1));
      bars.add(
          new BarChart.Bar(
              from / MICROS_PER_MILLI, to / MICROS_PER_MILLI, Math.max(0, upTo - below)));
      below = Math.max(below, upTo);
    }
    return bars;
  }

  private static void tables(Markup page, LoadReport report) {
    List<String> head =
        List.of("", "planned", "answered", "wrong", "shed", "failed", "p50", "p90", "p99", "p99.9");
    page.element("h2", "By phase");
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < report.scenario().phases().size(); i++) {
      Phase phase = report.scenario().phases().get(i);
      rows.add(
          row(
              phase.name() + (phase.measured() ? "" : " (not measured)"),
              report.figures().phases().get(i)));
    }
    rows.add(row("all measured", report.figures().total()));
    table(page, head, rows);
    page.element("h2", "By call");
    table(
        page,
        head,
        report.scenario().mix().stream()
            .map(step -> row(step.name(), report.figures().of(step.name())))
            .toList());
    if (!report.faults().isEmpty()) {
      page.element("h2", "What was done to it");
      table(
          page,
          List.of("", "at s", "for s", "code", "command"),
          report.faults().stream()
              .map(
                  fault ->
                      List.of(
                          fault.name(),
                          String.format(Locale.ROOT, "%.1f", fault.atSeconds()),
                          String.format(Locale.ROOT, "%.1f", fault.seconds()),
                          Integer.toString(fault.exitCode()),
                          fault.command()))
              .toList());
    }
  }

  private static List<String> row(String name, CallStats calls) {
    return List.of(
        name,
        count(calls.planned()),
        count(calls.answered()),
        count(calls.count(Fate.WRONG)),
        count(calls.count(Fate.SHED)),
        count(calls.count(Fate.FAILED)),
        millis(calls.latency(50)),
        millis(calls.latency(90)),
        millis(calls.latency(99)),
        millis(calls.latency(99.9)));
  }

  private static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  private static String millis(double seconds) {
    return Double.isNaN(seconds) ? "-" : String.format(Locale.ROOT, "%,.1f", seconds * 1_000);
  }

  private static void table(Markup page, List<String> head, List<List<String>> rows) {
    page.open("div", "class", "wide").open("table");
    row(page, "th", head);
    rows.forEach(row -> row(page, "td", row));
    page.close("table").close("div");
  }

  private static void row(Markup page, String cell, List<String> texts) {
    page.open("tr");
    texts.forEach(text -> page.element(cell, text));
    page.close("tr");
  }
}
