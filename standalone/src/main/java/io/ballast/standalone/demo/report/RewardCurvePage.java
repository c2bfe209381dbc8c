package io.ballast.standalone.demo.report;

import io.ballast.standalone.chart.LineChart;
import io.ballast.standalone.chart.Markup;
import io.ballast.standalone.chart.Series;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * The rewards of a run against its distance from where it began: one page that needs no network.
 *
 * @param source which run
 * @param rows one for each iteration, in order
 * @param curve of gold; empty: none
 * @param notes sentences below the plots
 */
public record RewardCurvePage(
    String source, List<Row> rows, Optional<Curve> curve, List<String> notes) {
  private static final String GOLD = "#b8860b";
  private static final String PROXY = "#1f77b4";
  private static final String SPREAD = "#7a7f87";
  private static final String FIT = "#b3261e";
  private static final int FIT_POINTS = 60;

  /** Copies the lists. */
  public RewardCurvePage {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /**
   * One iteration.
   *
   * @param kl of the policy that sampled, nats
   * @param gap how much further than gold the reward has risen, in standard deviations
   */
  public record Row(
      int iteration,
      double kl,
      double reward,
      double spread,
      OptionalDouble gold,
      OptionalDouble gap) {}

  /**
   * Gold as first + d·(α − β·ln d).
   *
   * @param first mean gold under the first policy
   * @param farthest the greatest d that was fitted
   */
  public record Curve(double first, double alpha, double beta, double farthest) {}

  /** Writes the page. */
  public void write(Path file) throws IOException {
    Files.writeString(file, html(), StandardCharsets.UTF_8);
  }

  /** Returns the page. */
  String html() {
    Markup page = new Markup();
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.element("title", "Rewards of a run").open("style").raw(HtmlReport.STYLE).close("style");
    page.raw("</head><body>");
    page.element("h1", "Rewards against the distance from where the run began");
    page.element("p", source);
    page.open("div", "class", "plots");
    page.add(
        chart(
            "reward in training (proxy)",
            new Series("reward", PROXY, points(row -> OptionalDouble.of(row.reward())))));
    if (rows.stream().anyMatch(row -> row.gold().isPresent())) {
      page.add(LineChart.of("gold", "√KL", goldLines(), null));
      page.add(
          chart(
              "reward less gold, in standard deviations",
              new Series("gap", FIT, points(Row::gap))));
    }
    page.add(
        chart(
            "spread of the members",
            new Series("spread", SPREAD, points(row -> OptionalDouble.of(row.spread())))));
    page.close("div");
    page.open("ul");
    notes.forEach(note -> page.element("li", note));
    page.close("ul");
    table(page);
    page.raw("</body></html>\n");
    return page.toString();
  }

  private static Markup chart(String title, Series series) {
    return LineChart.of(title, "√KL", List.of(series), null);
  }

  private List<Series> goldLines() {
    List<Series> lines = new ArrayList<>();
    lines.add(new Series("gold", GOLD, points(Row::gold)));
    curve.ifPresent(fit -> lines.add(new Series("fit", FIT, fitted(fit))));
    return lines;
  }

  private static List<Series.Point> fitted(Curve curve) {
    List<Series.Point> points = new ArrayList<>();
    for (int i = 0; i <= FIT_POINTS; i++) {
      double d = curve.farthest() * i / FIT_POINTS;
      double gain = d == 0 ? 0 : d * (curve.alpha() - curve.beta() * Math.log(d));
      points.add(new Series.Point(d, curve.first() + gain));
    }
    return points;
  }

  /** Iterations that have the number, from the nearest to the farthest. */
  private List<Series.Point> points(Function<Row, OptionalDouble> number) {
    return rows.stream()
        .filter(row -> number.apply(row).isPresent())
        .map(
            row ->
                new Series.Point(Math.sqrt(Math.max(0, row.kl())), number.apply(row).getAsDouble()))
        .sorted(Comparator.comparingDouble(Series.Point::x))
        .toList();
  }

  private void table(Markup page) {
    page.open("div", "class", "wide").open("table").open("tr");
    List.of("iteration", "KL, nats", "reward", "spread", "gold", "gap")
        .forEach(head -> page.element("th", head));
    page.close("tr");
    for (Row row : rows) {
      page.open("tr")
          .element("td", Integer.toString(row.iteration()))
          .element("td", String.format(Locale.ROOT, "%.4f", row.kl()))
          .element("td", String.format(Locale.ROOT, "%+.3f", row.reward()))
          .element("td", String.format(Locale.ROOT, "%.3f", row.spread()))
          .element("td", shown(row.gold()))
          .element("td", shown(row.gap()))
          .close("tr");
    }
    page.close("table").close("div");
  }

  private static String shown(OptionalDouble number) {
    return number.isPresent() ? String.format(Locale.ROOT, "%+.3f", number.getAsDouble()) : "–";
  }
}
