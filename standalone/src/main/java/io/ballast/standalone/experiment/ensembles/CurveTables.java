package io.ballast.standalone.experiment.ensembles;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.selection.BestOfN;
import io.ballast.rl.selection.GoldFit;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Curves for people: tables in Markdown, and charts. */
final class CurveTables {
  private static final String ORACLE = "#9c6fb0";
  private static final double CONFIDENCE = 0.95;

  private CurveTables() {}

  /** Returns gold against n: means over seeds with the half width of their interval. */
  static String gold(GoldCurves curves) {
    StringBuilder text = new StringBuilder("| n | KL, nats |");
    for (Aggregate aggregate : Aggregate.values()) {
      text.append(' ').append(aggregate.label()).append(" |");
    }
    text.append(" oracle |\n|---|---|---|---|---|---|---|\n");
    for (int n : curves.ns()) {
      text.append(String.format(Locale.ROOT, "| %,d | %.2f |", n, BestOfN.kl(n)));
      for (Aggregate aggregate : Aggregate.values()) {
        text.append(' ').append(cell(curves.at(aggregate, n))).append(" |");
      }
      text.append(String.format(Locale.ROOT, " %.3f |%n", Moments.mean(curves.oracleAt(n))));
    }
    return text.toString();
  }

  /** Returns Gao's form fitted to each seed: means over seeds. */
  static String fits(GoldCurves curves) {
    StringBuilder text =
        new StringBuilder("| | α | β | R² | peak d* = α/2β |\n|---|---|---|---|---|\n");
    for (Aggregate aggregate : Aggregate.values()) {
      List<GoldFit> fits = CurveClaims.fits(curves, aggregate);
      double[] alphas = values(fits, fit -> fit.alpha().estimate());
      double[] betas = values(fits, fit -> fit.beta().estimate());
      double alpha = Moments.mean(alphas);
      double beta = Moments.mean(betas);
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %.3f | %s |%n",
              aggregate.label(),
              cell(alphas),
              cell(betas),
              Moments.mean(values(fits, fit -> fit.rSquared().orElseThrow())),
              beta > 0 ? String.format(Locale.ROOT, "%.2f", alpha / (2 * beta)) : "none"));
    }
    return text.toString();
  }

  private static double[] values(List<GoldFit> fits, ToDoubleFunction<GoldFit> value) {
    return fits.stream().mapToDouble(value).toArray();
  }

  /** Returns a mean over seeds with the half width of its interval. */
  static String cell(double[] ofSeeds) {
    Interval mean = MeanIntervals.mean(ofSeeds, CONFIDENCE);
    return String.format(
        Locale.ROOT, "%.3f ± %.3f", mean.estimate(), mean.high() - mean.estimate());
  }

  /** Returns gold against log₂ n, means over seeds. */
  static Markup chart(String title, GoldCurves curves) {
    List<Series> lines = new ArrayList<>();
    for (Aggregate aggregate : Aggregate.values()) {
      lines.add(
          new Series(
              aggregate.label(),
              aggregate.colour(),
              points(curves, n -> Moments.mean(curves.at(aggregate, n)))));
    }
    lines.add(new Series("oracle", ORACLE, points(curves, n -> Moments.mean(curves.oracleAt(n)))));
    return LineChart.of(title, "log₂ n", lines, null);
  }

  private static List<Series.Point> points(GoldCurves curves, ToDoubleFunction<Integer> gold) {
    return curves.ns().stream()
        .map(n -> new Series.Point(Math.log(n) / Math.log(2), gold.applyAsDouble(n)))
        .toList();
  }
}
