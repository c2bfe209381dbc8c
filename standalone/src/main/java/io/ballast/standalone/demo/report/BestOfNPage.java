package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Series;
import java.io.IOException;
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
 * @param curve through gold over n = 1; empty: none
 * @param confidence of the intervals
 * @param notes sentences below the plots
 */
public record BestOfNPage(
    String source,
    List<Row> rows,
    Optional<FittedGold> curve,
    double confidence,
    List<String> notes) {
  private static final String GOLD = "#b8860b";
  private static final String BOUND = "#d8c9a0";
  private static final String PROXY = "#1f77b4";

  /** Copies the lists. */
  public BestOfNPage {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /** One n; the ends of gold's interval are empty for a single prompt. */
  public record Row(
      int n, double kl, double proxy, double gold, OptionalDouble low, OptionalDouble high) {}

  /** Writes the page. */
  public void write(Path file) throws IOException {
    page().write(file);
  }

  /** Returns the page. */
  PlotPage page() {
    return new PlotPage(
        "Best of n",
        "What best of n by reward is worth by gold",
        source,
        List.of(
            LineChart.of("gold reward of the best of n", "√KL", goldLines(), null),
            LineChart.of(
                "reward of the best of n (proxy)",
                "√KL",
                List.of(new Series("reward", PROXY, points(Row::proxy))),
                null)),
        notes,
        List.of("n", "KL, nats", "reward", "gold", percent(100 * confidence) + " % interval"),
        rows.stream().map(BestOfNPage::cells).toList());
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
      lines.add(curve.orElseThrow().line(one.orElseThrow().gold()));
    }
    return lines;
  }

  private List<Series.Point> points(ToDoubleFunction<Row> value) {
    return rows.stream()
        .map(row -> new Series.Point(Math.sqrt(row.kl()), value.applyAsDouble(row)))
        .toList();
  }

  private static List<String> cells(Row row) {
    return List.of(
        Integer.toString(row.n()),
        String.format(Locale.ROOT, "%.3f", row.kl()),
        String.format(Locale.ROOT, "%+.3f", row.proxy()),
        String.format(Locale.ROOT, "%+.3f", row.gold()),
        row.low().isPresent() && row.high().isPresent()
            ? String.format(
                Locale.ROOT, "[%+.3f, %+.3f]", row.low().getAsDouble(), row.high().getAsDouble())
            : "–");
  }

  private static String percent(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.2f", value);
  }
}
