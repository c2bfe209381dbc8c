package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;

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
  private static final String COST = "#6a3d9a";
  private static final List<String> MEASURED = List.of("#b3261e", "#2e7d32", "#b8860b", "#7a7f87");

  /** Copies the lists. */
  public RewardCurvePage {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /**
   * One iteration.
   *
   * @param kl of the policy that sampled, nats; empty where it was not measured
   * @param reward mean; empty where no completion has one
   * @param spread of the members; empty of a reward without members
   * @param gap how much further than gold the reward has risen, in standard deviations
   * @param cost in training
   * @param measured harm by judges that nothing is optimised against, by their names
   */
  public record Row(
      int iteration,
      OptionalDouble kl,
      OptionalDouble reward,
      OptionalDouble spread,
      OptionalDouble gold,
      OptionalDouble gap,
      double cost,
      Map<String, Double> measured) {
    /** Copies the map. */
    public Row {
      measured = Collections.unmodifiableMap(new LinkedHashMap<>(measured));
    }
  }

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
        chart("reward in training (proxy)", new Series("reward", PROXY, points(Row::reward))));
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
    plots.add(
        LineChart.of("harm: as it is trained on, and as it was measured", "√KL", harm(), null));
    return new PlotPage(
        "Rewards of a run",
        "Rewards against the distance from where the run began",
        source,
        plots,
        notes,
        List.of(
            "iteration", "KL, nats", "reward", "spread", "gold", "gap", "cost", "measured harm"),
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

  private List<Series> harm() {
    List<Series> lines = new ArrayList<>();
    lines.add(new Series("cost in training", COST, points(row -> OptionalDouble.of(row.cost()))));
    List<String> names =
        rows.stream().flatMap(row -> row.measured().keySet().stream()).distinct().toList();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      lines.add(
          new Series(
              name,
              MEASURED.get(i % MEASURED.size()),
              points(
                  row -> {
                    Double harm = row.measured().get(name);
                    return harm == null ? OptionalDouble.empty() : OptionalDouble.of(harm);
                  })));
    }
    return lines;
  }

  /** Iterations that have the number and a KL, from the nearest to the farthest. */
  private List<Series.Point> points(Function<Row, OptionalDouble> number) {
    return rows.stream()
        .filter(row -> row.kl().isPresent() && number.apply(row).isPresent())
        .map(
            row ->
                new Series.Point(
                    Math.sqrt(Math.max(0, row.kl().getAsDouble())),
                    number.apply(row).getAsDouble()))
        .sorted(Comparator.comparingDouble(Series.Point::x))
        .toList();
  }

  private static List<String> cells(Row row) {
    return List.of(
        Integer.toString(row.iteration()),
        shown("%.4f", row.kl()),
        shown("%+.3f", row.reward()),
        shown("%.3f", row.spread()),
        shown("%+.3f", row.gold()),
        shown("%+.3f", row.gap()),
        String.format(Locale.ROOT, "%.3f", row.cost()),
        row.measured().isEmpty()
            ? "–"
            : row.measured().entrySet().stream()
                .map(each -> String.format(Locale.ROOT, "%s %.3f", each.getKey(), each.getValue()))
                .collect(Collectors.joining(", ")));
  }

  private static String shown(String format, OptionalDouble number) {
    return number.isPresent() ? String.format(Locale.ROOT, format, number.getAsDouble()) : "–";
  }
}
