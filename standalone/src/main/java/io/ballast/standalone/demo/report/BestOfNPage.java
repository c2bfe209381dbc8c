package io.ballast.standalone.demo.report;

import io.ballast.standalone.chart.LineChart;
import io.ballast.standalone.chart.Markup;
import io.ballast.standalone.chart.Series;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * What best of n is worth, for a person: one page with the curves that needs no network.
 *
 * @param source where the completions came from
 * @param rows one for each n, ascending
 * @param curve the fit; empty: none
 * @param confidence of the intervals
 * @param notes sentences below the plots
 */
public record BestOfNPage(
    String source, List<Row> rows, Optional<Curve> curve, double confidence, List<String> notes) {
  private static final String GOLD = "#b8860b";
  private static final String BOUND = "#d8c9a0";
  private static final String PROXY = "#1f77b4";
  private static final String FIT = "#b3261e";
  private static final int FIT_POINTS = 60;

  /** Copies the lists. */
  public BestOfNPage {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /** One n; the ends of gold's interval are empty for a single prompt. */
  public record Row(
      int n, double kl, double proxy, double gold, OptionalDouble low, OptionalDouble high) {}

  /**
   * Gold over n = 1 as d·(α − β·d).
   *
   * @param farthest the greatest d that was fitted
   */
  public record Curve(double alpha, double beta, double farthest) {}

  /** Writes the page. */
  public void write(Path file) throws IOException {
    Files.writeString(file, html(), StandardCharsets.UTF_8);
  }

  /** Returns the page. */
  String html() {
    Markup page = new Markup();
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.element("title", "Best of n").open("style").raw(HtmlReport.STYLE).close("style");
    page.raw("</head><body>");
    page.element("h1", "What best of n by reward is worth by gold");
    page.element("p", source);
    page.open("div", "class", "plots");
    page.add(LineChart.of("gold reward of the best of n", "√KL", goldLines(), null));
    page.add(
        LineChart.of(
            "reward of the best of n (proxy)",
            "√KL",
            List.of(new Series("reward", PROXY, points(Row::proxy))),
            null));
    page.close("div");
    page.open("ul");
    notes.forEach(note -> page.element("li", note));
    page.close("ul");
    table(page);
    page.raw("</body></html>\n");
    return page.toString();
  }

  private List<Series> goldLines() {
    List<Series> lines = new ArrayList<>();
    if (rows.stream().allMatch(row -> row.low().isPresent() && row.high().isPresent())) {
      lines.add(new Series("low", BOUND, points(row -> row.low().orElseThrow())));
      lines.add(new Series("high", BOUND, points(row -> row.high().orElseThrow())));
    }
    lines.add(new Series("gold", GOLD, points(Row::gold)));
    Optional<Row> one = rows.stream().filter(row -> row.n() == 1).findFirst();
    if (curve.isPresent() && one.isPresent()) {
      lines.add(new Series("fit", FIT, fitted(curve.orElseThrow(), one.orElseThrow().gold())));
    }
    return lines;
  }

  private static List<Series.Point> fitted(Curve curve, double start) {
    List<Series.Point> points = new ArrayList<>();
    for (int i = 0; i <= FIT_POINTS; i++) {
      double d = curve.farthest() * i / FIT_POINTS;
      points.add(new Series.Point(d, start + d * (curve.alpha() - curve.beta() * d)));
    }
    return points;
  }

  private List<Series.Point> points(ToDoubleFunction<Row> value) {
    return rows.stream()
        .map(row -> new Series.Point(Math.sqrt(row.kl()), value.applyAsDouble(row)))
        .toList();
  }

  private void table(Markup page) {
    page.open("div", "class", "wide").open("table").open("tr");
    List.of("n", "KL, nats", "reward", "gold", percent(100 * confidence) + " % interval")
        .forEach(head -> page.element("th", head));
    page.close("tr");
    for (Row row : rows) {
      page.open("tr")
          .element("td", Integer.toString(row.n()))
          .element("td", String.format(Locale.ROOT, "%.3f", row.kl()))
          .element("td", String.format(Locale.ROOT, "%+.3f", row.proxy()))
          .element("td", String.format(Locale.ROOT, "%+.3f", row.gold()))
          .element(
              "td",
              row.low().isPresent() && row.high().isPresent()
                  ? String.format(
                      Locale.ROOT,
                      "[%+.3f, %+.3f]",
                      row.low().getAsDouble(),
                      row.high().getAsDouble())
                  : "–")
          .close("tr");
    }
    page.close("table").close("div");
  }

  private static String percent(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.2f", value);
  }
}
