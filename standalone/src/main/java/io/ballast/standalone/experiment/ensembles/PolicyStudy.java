package io.ballast.standalone.experiment.ensembles;

import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Markup;
import io.ballast.loadtest.chart.Series;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.selection.BestOfN;
import io.ballast.rl.stats.Moments;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Runs of learning at one share of flipped labels: of each aggregate, one for each seed. What a
 * quarter of a run is worth is the mean over its iterations, so that draws do not decide.
 */
final class PolicyStudy {
  private static final int QUARTERS = 4;
  private static final double CONFIDENCE = 0.95;
  private static final String COSTE = "Coste et al. 2024, §5, figures 5 to 7, β = 0";

  private final Map<Aggregate, List<List<PolicyIteration>>> runs = new EnumMap<>(Aggregate.class);
  private final double flips;

  /**
   * A study.
   *
   * @param runs of each aggregate, in the order of the seeds, all of one length, a multiple of 4
   */
  PolicyStudy(double flips, Map<Aggregate, List<List<PolicyIteration>>> runs) {
    this.flips = flips;
    runs.forEach((aggregate, own) -> this.runs.put(aggregate, List.copyOf(own)));
  }

  /** Returns what is claimed of the ensembles. */
  List<Claim> claims() {
    String labels = CurveClaims.labels(flips);
    List<Claim> claims = new ArrayList<>();
    for (Aggregate aggregate : List.of(Aggregate.MEAN, Aggregate.UWO, Aggregate.WCO)) {
      claims.add(difference(aggregate, Aggregate.SINGLE, labels));
    }
    claims.add(difference(Aggregate.UWO, Aggregate.MEAN, labels));
    claims.add(difference(Aggregate.WCO, Aggregate.MEAN, labels));
    claims.add(
        Claim.of(
            "learning, %s: against a single member gold falls from the second quarter of a run to the last (characters)"
                .formatted(labels),
            COSTE,
            MeanIntervals.mean(decline(Aggregate.SINGLE), CONFIDENCE),
            Rule.below(0)));
    for (Aggregate aggregate : List.of(Aggregate.UWO, Aggregate.WCO)) {
      claims.add(
          Claim.of(
              "learning, %s: from the second quarter to the last gold changes for the better against %s, compared with a single member (characters)"
                  .formatted(labels, aggregate.label()),
              COSTE,
              MeanIntervals.pairedDifference(
                  decline(Aggregate.SINGLE), decline(aggregate), CONFIDENCE),
              Rule.above(0)));
    }
    claims.add(
        Claim.of(
            "learning, %s: the members' variance grows more against their mean than against UWO (difference of the logarithms of last quarter / first iteration)"
                .formatted(labels),
            "Coste et al. 2024, §5, figure 10",
            MeanIntervals.pairedDifference(
                growth(Aggregate.UWO), growth(Aggregate.MEAN), CONFIDENCE),
            Rule.above(0)));
    return claims;
  }

  /**
   * Returns that best of n has more gold than learning at equal KL.
   *
   * @param bestOfN curves at the same prompts and of the same members
   */
  Claim atEqualKl(GoldCurves bestOfN) {
    double[] learned = quarter(Aggregate.SINGLE, QUARTERS - 1, PolicyIteration::gold);
    double[] kl = quarter(Aggregate.SINGLE, QUARTERS - 1, PolicyIteration::kl);
    double[] chosen =
        IntStream.range(0, learned.length)
            .mapToDouble(seed -> at(bestOfN, seed, kl[seed]))
            .toArray();
    return Claim.of(
        "learning, %s, a single member: at the KL of a run's last quarter best of n has more gold (characters)"
            .formatted(CurveClaims.labels(flips)),
        "Gao et al. 2023, §3.4: learning spends more KL",
        MeanIntervals.pairedDifference(learned, chosen, CONFIDENCE),
        Rule.above(0));
  }

  /** Gold at a KL, between two n; beyond the last n that of the last. */
  static double at(GoldCurves curves, int seed, double kl) {
    double[] gold = curves.curve(Aggregate.SINGLE, seed);
    List<Integer> ns = curves.ns();
    for (int i = 1; i < gold.length; i++) {
      double above = BestOfN.kl(ns.get(i));
      if (kl <= above) {
        double below = BestOfN.kl(ns.get(i - 1));
        double share = Math.max(0, kl - below) / (above - below);
        return gold[i - 1] + share * (gold[i] - gold[i - 1]);
      }
    }
    return gold[gold.length - 1];
  }

  private Claim difference(Aggregate better, Aggregate worse, String labels) {
    return Claim.of(
        "learning, %s: in the last quarter of a run gold is higher against %s than against %s (characters)"
            .formatted(
                labels,
                better.label(),
                worse == Aggregate.SINGLE ? "a single member" : worse.label()),
        COSTE,
        MeanIntervals.pairedDifference(
            quarter(worse, QUARTERS - 1, PolicyIteration::gold),
            quarter(better, QUARTERS - 1, PolicyIteration::gold),
            CONFIDENCE),
        Rule.above(0));
  }

  private double[] decline(Aggregate aggregate) {
    double[] early = quarter(aggregate, 1, PolicyIteration::gold);
    double[] late = quarter(aggregate, QUARTERS - 1, PolicyIteration::gold);
    return IntStream.range(0, early.length).mapToDouble(s -> late[s] - early[s]).toArray();
  }

  private double[] growth(Aggregate aggregate) {
    double[] late = quarter(aggregate, QUARTERS - 1, PolicyIteration::variance);
    return IntStream.range(0, late.length)
        .mapToDouble(s -> Math.log(late[s] / of(aggregate).get(s).getFirst().variance()))
        .toArray();
  }

  private List<List<PolicyIteration>> of(Aggregate aggregate) {
    return Objects.requireNonNull(runs.get(aggregate));
  }

  /** Returns each seed's mean over a quarter of its run, shape [S]. */
  private double[] quarter(
      Aggregate aggregate, int quarter, ToDoubleFunction<PolicyIteration> value) {
    return of(aggregate).stream()
        .mapToDouble(
            run -> {
              int length = run.size() / QUARTERS;
              return Moments.mean(
                  run.subList(quarter * length, (quarter + 1) * length).stream()
                      .mapToDouble(value)
                      .toArray());
            })
        .toArray();
  }

  /** How many completions nothing was learned from, over all seeds: they had no reward. */
  private int leftOut(Aggregate aggregate, int quarter) {
    return of(aggregate).stream()
        .flatMap(
            run -> {
              int length = run.size() / QUARTERS;
              return run.subList(quarter * length, (quarter + 1) * length).stream();
            })
        .mapToInt(PolicyIteration::leftOut)
        .sum();
  }

  /** Returns quarter by quarter what runs came to: means over seeds, and what was left out. */
  String table() {
    StringBuilder text =
        new StringBuilder(
            """
            | against | quarter | KL, nats | proxy | gold, characters | members' variance | completions left out |
            |---|---|---|---|---|---|---|
            """);
    for (Aggregate aggregate : Aggregate.values()) {
      for (int q = 0; q < QUARTERS; q++) {
        text.append(
            String.format(
                Locale.ROOT,
                "| %s | %d | %s | %s | %s | %s | %,d |%n",
                aggregate.label(),
                q + 1,
                CurveTables.cell(quarter(aggregate, q, PolicyIteration::kl)),
                CurveTables.cell(quarter(aggregate, q, PolicyIteration::proxy)),
                CurveTables.cell(quarter(aggregate, q, PolicyIteration::gold)),
                CurveTables.cell(quarter(aggregate, q, PolicyIteration::variance)),
                leftOut(aggregate, q)));
      }
    }
    return text.toString();
  }

  /** Returns gold against √KL, iteration by iteration, means over seeds. */
  Markup chart(String title) {
    List<Series> lines = new ArrayList<>();
    for (Aggregate aggregate : Aggregate.values()) {
      List<Series.Point> points = new ArrayList<>();
      int length = of(aggregate).getFirst().size();
      for (int i = 0; i < length; i++) {
        points.add(
            new Series.Point(
                Math.sqrt(Math.max(0, mean(aggregate, i, PolicyIteration::kl))),
                mean(aggregate, i, PolicyIteration::gold)));
      }
      lines.add(new Series(aggregate.label(), aggregate.colour(), points));
    }
    return LineChart.of(title, "√KL", lines, null);
  }

  private double mean(Aggregate aggregate, int iteration, ToDoubleFunction<PolicyIteration> value) {
    return Moments.mean(
        of(aggregate).stream()
            .mapToDouble(run -> value.applyAsDouble(run.get(iteration)))
            .toArray());
  }
}
