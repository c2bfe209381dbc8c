package io.ballast.standalone.demo.report;

import io.ballast.standalone.chart.LineChart;
import io.ballast.standalone.chart.Markup;
import io.ballast.standalone.chart.Series;
import java.io.IOException;
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
  private static final String GAP = "#b3261e";

  /** Copies the lists. */
  public RewardCurvePage {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /**
   * One iteration.
   *
   * @param kl of the policy that sampled, nats
   * @param spread of the members; empty of a reward without members
   * @param gap how much further than gold the reward has risen, in standard deviations
   */
  public record Row(
      int iteration,
      double kl,
      double reward,
      OptionalDouble spread,
      OptionalDouble gold,
      OptionalDouble gap) {}

  /**
   * Gold under the first policy and the curve through what followed.
   *
   * @param first mean gold under the first policy
   */
  public record Curve(double first, FittedGold fitted) {}

  /** Writes the page. */
  public void write(Path file) throws IOException {
    page().write(file);
  }

  /** Returns the page. */
  PlotPage page() {
    List<Markup> plots = new ArrayList<>();
    plots.add(
        chart(
            "reward in training (proxy)",
            new Series("reward", PROXY, points(row -> OptionalDouble.of(row.reward())))));
    if (rows.stream().anyMatch(row -> row.gold().isPresent())) {
      plots.add(LineChart.of("gold", "√KL", goldLines(), null));
      plots.add(
          chart(
              "reward less gold, in standard deviations",
              new Series("gap", GAP, points(Row::gap))));
    }
    if (rows.stream().anyMatch(row -> row.spread().isPresent())) {
      plots.add(chart("spread of the members", new Series("spread", SPREAD, points(Row::spread))));
    }
    return new PlotPage(
        "Rewards of a run",
        "Rewards against the distance from where the run began",
        source,
        plots,
        notes,
        List.of("iteration", "KL, nats", "reward", "spread", "gold", "gap"),
        rows.stream().map(RewardCurvePage::cells).toList());
  }

  private static Markup chart(String title, Series series) {
    return LineChart.of(title, "√KL", List.of(series), null);
  }

  private List<Series> goldLines() {
    List<Series> lines = new ArrayList<>();
    lines.add(new Series("gold", GOLD, points(Row::gold)));
    curve.ifPresent(fit -> lines.add(fit.fitted().line(fit.first())));
    return lines;
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

  private static List<String> cells(Row row) {
    return List.of(
        Integer.toString(row.iteration()),
        String.format(Locale.ROOT, "%.4f", row.kl()),
        String.format(Locale.ROOT, "%+.3f", row.reward()),
        shown("%.3f", row.spread()),
        shown("%+.3f", row.gold()),
        shown("%+.3f", row.gap()));
  }

  private static String shown(String format, OptionalDouble number) {
    return number.isPresent() ? String.format(Locale.ROOT, format, number.getAsDouble()) : "–";
  }
}
