package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.selection.BestOfN;
import io.ballast.rl.selection.GoldFit;
import io.ballast.rl.selection.GoldFits;
import io.ballast.rl.selection.GoldForm;
import io.ballast.rl.selection.GoldPoint;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What Coste et al. and Gao et al. say of best of n, held against curves: the same claims and rules
 * whatever gold is. Intervals are Student's over seeds, paired where two curves are compared.
 */
final class CurveClaims {
  /** Where a curve that will fall has not fallen yet; the decline is counted from there. */
  static final int EARLY = 64;

  /** Gao's form is fitted up to here, for all curves alike. */
  static final int FIT_UP_TO = 512;

  /** A loss of less than this share of what the oracle gains by {@link #EARLY} is none to see. */
  static final double VISIBLE = 0.05;

  private static final double LEAST_R_SQUARED = 0.95;
  private static final double CONFIDENCE = 0.95;
  private static final String COSTE = "Coste et al. 2024, §5, figure 3";
  private static final String GAO = "Gao et al. 2023, §3.1";

  private final String what;
  private final String unit;

  /**
   * Claims of one measurement.
   *
   * @param what gold is, such as "programmer"
   * @param unit of gold
   */
  CurveClaims(String what, String unit) {
    this.what = what;
    this.unit = unit;
  }

  /** Returns the ensembles' claims of one share of flipped labels. */
  List<Claim> ofNoise(GoldCurves curves, double flips) {
    int last = curves.ns().getLast();
    String labels = labels(flips);
    List<Claim> claims = new ArrayList<>();
    for (Aggregate aggregate : List.of(Aggregate.MEAN, Aggregate.UWO, Aggregate.WCO)) {
      claims.add(difference(curves, aggregate, Aggregate.SINGLE, last, labels));
    }
    claims.add(difference(curves, Aggregate.UWO, Aggregate.MEAN, last, labels));
    claims.add(difference(curves, Aggregate.WCO, Aggregate.MEAN, last, labels));
    for (Aggregate aggregate : List.of(Aggregate.UWO, Aggregate.WCO)) {
      claims.add(
          Claim.of(
              "%s, %s: from n = %d to %,d best of n by %s loses nothing to see (change as a share of the oracle's gain by %d)"
                  .formatted(what, labels, EARLY, last, aggregate.label(), EARLY),
              COSTE,
              MeanIntervals.mean(decline(curves, aggregate), CONFIDENCE),
              Rule.above(-VISIBLE)));
    }
    return claims;
  }

  /** Returns the claims of clean and of flipped labels side by side. */
  List<Claim> ofBoth(GoldCurves clean, GoldCurves noisy, double flips) {
    int last = noisy.ns().getLast();
    List<Claim> claims = new ArrayList<>();
    for (Aggregate aggregate : List.of(Aggregate.SINGLE, Aggregate.MEAN)) {
      claims.add(
          Claim.of(
              "%s, %s: from n = %d to %,d best of n by %s loses gold (change as a share of the oracle's gain by %d)"
                  .formatted(what, labels(flips), EARLY, last, aggregate.label(), EARLY),
              COSTE,
              MeanIntervals.mean(decline(noisy, aggregate), CONFIDENCE),
              Rule.below(0)));
    }
    claims.add(
        Claim.of(
            "%s, %s: WCO peaks at no smaller n than a single member (difference of log₂ n)"
                .formatted(what, labels(flips)),
            COSTE,
            MeanIntervals.pairedDifference(
                noisy.peaks(Aggregate.SINGLE), noisy.peaks(Aggregate.WCO), CONFIDENCE),
            Rule.atLeast(0)));
    claims.add(
        Claim.of(
            "%s: flipped labels move a single member's peak to smaller n (difference of log₂ n)"
                .formatted(what),
            COSTE,
            MeanIntervals.pairedDifference(
                noisy.peaks(Aggregate.SINGLE), clean.peaks(Aggregate.SINGLE), CONFIDENCE),
            Rule.above(0)));
    return claims;
  }

  /** Returns what Gao's form has to say of them. */
  List<Claim> ofForm(GoldCurves clean, GoldCurves noisy, double flips) {
    List<Claim> claims = new ArrayList<>();
    for (GoldCurves curves : List.of(clean, noisy)) {
      claims.add(
          Claim.of(
              "%s, %s: gold of best of n ≤ %d by a single member is d·(α − β·d): R²"
                  .formatted(what, labels(curves == clean ? 0 : flips), FIT_UP_TO),
              GAO,
              MeanIntervals.mean(
                  fits(curves, Aggregate.SINGLE).stream()
                      .mapToDouble(fit -> fit.rSquared().orElseThrow())
                      .toArray(),
                  CONFIDENCE),
              Rule.atLeast(LEAST_R_SQUARED)));
    }
    claims.add(
        Claim.of(
            "%s: flipped labels lower a single member's α (%s per √nat)".formatted(what, unit),
            GAO,
            MeanIntervals.pairedDifference(
                alphas(noisy, Aggregate.SINGLE), alphas(clean, Aggregate.SINGLE), CONFIDENCE),
            Rule.above(0)));
    claims.add(
        Claim.of(
            "%s, %s: WCO has a smaller β than a single member (%s per nat)"
                .formatted(what, labels(flips), unit),
            "Gao et al. 2023, §3.1, with Coste et al. 2024",
            MeanIntervals.pairedDifference(
                betas(noisy, Aggregate.WCO), betas(noisy, Aggregate.SINGLE), CONFIDENCE),
            Rule.above(0)));
    return claims;
  }

  /** Returns that choosing by gold itself never loses: a check of the estimator and the pools. */
  Claim ofOracle(GoldCurves curves) {
    double least =
        IntStream.range(0, curves.seeds())
            .mapToDouble(
                seed -> {
                  double[] oracle = curves.oracleCurve(seed);
                  double step = Double.POSITIVE_INFINITY;
                  for (int i = 1; i < oracle.length; i++) {
                    step = Math.min(step, oracle[i] - oracle[i - 1]);
                  }
                  return step;
                })
            .min()
            .orElseThrow();
    return new Claim(
        "%s: choosing by gold itself never loses as n grows (least step, %s)".formatted(what, unit),
        "a check of the estimator",
        least,
        least,
        least,
        // rounding in sums of 4,096 terms
        Rule.above(-1e-9));
  }

  /** Returns the fit of each seed's curve, to gold gained over n = 1. */
  static List<GoldFit> fits(GoldCurves curves, Aggregate aggregate) {
    return IntStream.range(0, curves.seeds())
        .mapToObj(
            seed -> {
              double[] curve = curves.curve(aggregate, seed);
              List<GoldPoint> points = new ArrayList<>();
              for (int i = 0; i < curve.length && curves.ns().get(i) <= FIT_UP_TO; i++) {
                points.add(
                    new GoldPoint(Math.sqrt(BestOfN.kl(curves.ns().get(i))), curve[i] - curve[0]));
              }
              return GoldFits.studentT(GoldForm.BEST_OF_N, points, CONFIDENCE);
            })
        .toList();
  }

  private static double[] alphas(GoldCurves curves, Aggregate aggregate) {
    return fits(curves, aggregate).stream().mapToDouble(fit -> fit.alpha().estimate()).toArray();
  }

  private static double[] betas(GoldCurves curves, Aggregate aggregate) {
    return fits(curves, aggregate).stream().mapToDouble(fit -> fit.beta().estimate()).toArray();
  }

  private Claim difference(
      GoldCurves curves, Aggregate better, Aggregate worse, int n, String labels) {
    Interval gain =
        MeanIntervals.pairedDifference(curves.at(worse, n), curves.at(better, n), CONFIDENCE);
    return Claim.of(
        "%s, %s: best of %,d by %s has more gold than by %s (%s)"
            .formatted(
                what,
                labels,
                n,
                better.label(),
                worse == Aggregate.SINGLE ? "a single member" : worse.label(),
                unit),
        COSTE,
        gain,
        Rule.above(0));
  }

  /** The change from {@link #EARLY} to the last n as a share of the oracle's gain, by seed. */
  private static double[] decline(GoldCurves curves, Aggregate aggregate) {
    double[] early = curves.at(aggregate, EARLY);
    double[] late = curves.at(aggregate, curves.ns().getLast());
    double[] oracle = curves.oracleAt(EARLY);
    double[] start = curves.oracleAt(1);
    return IntStream.range(0, early.length)
        .mapToDouble(seed -> (late[seed] - early[seed]) / (oracle[seed] - start[seed]))
        .toArray();
  }

  static String labels(double flips) {
    return flips == 0
        ? "clean labels"
        : String.format(Locale.ROOT, "%.0f %% of labels flipped", 100 * flips);
  }
}
