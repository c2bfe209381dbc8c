package io.ballast.rl.selection;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanBounds;
import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import io.ballast.rl.stats.Quantiles;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.random.RandomGenerator;

/**
 * Fits a {@link GoldForm} by least squares: R on the columns d and −φ(d), without a constant.
 *
 * <p>Source: Gao, Schulman, Hilton 2023, arXiv:2210.10760. The form is quadratic (or nearly) in d
 * and describes the rise and the turn; a steep collapse far beyond the peak is not in it. Fix the
 * range to be fitted before looking, and compare β at one range only.
 */
public final class GoldFits {
  /** Fewer points leave two coefficients without an interval. */
  public static final int LEAST_POINTS = 3;

  /** d·ln d has an infinite slope at 0; nearer points than this are not fitted by it. */
  public static final double LEAST_RL_DISTANCE = 0.3;

  /** Below it the two columns are one for all that a double can tell; 0 to 1. */
  private static final double LEAST_INDEPENDENCE = 1e-12;

  static final int LEAST_RESAMPLES = 100;

  private GoldFits() {}

  /**
   * Fits one curve, with Student's t intervals of ordinary least squares.
   *
   * <pre>
   * s² = Σ(R − R̂)²/(n − 2),  α̂ ± t(n − 2)·s·√(XᵀX)⁻¹₁₁,  β̂ ± t(n − 2)·s·√(XᵀX)⁻¹₂₂
   * </pre>
   *
   * @param points at least {@link #LEAST_POINTS} that can be fitted, at two distances or more
   * @param confidence above 0, below 1
   */
  public static GoldFit studentT(GoldForm form, List<GoldPoint> points, double confidence) {
    Require.openProbability(confidence, "confidence");
    List<GoldPoint> usable = usable(form, points);
    Sums sums = enough(form, usable, points.size());
    int freedom = usable.size() - 2;
    double t = MeanBounds.studentTQuantile((1 - confidence) / 2, freedom);
    double s = Math.sqrt(squaredResiduals(form, usable, sums) / freedom);
    return new GoldFit(
        form,
        around(sums.alpha(), t * s * Math.sqrt(sums.bb / sums.determinant()), confidence),
        around(sums.beta(), t * s * Math.sqrt(sums.aa / sums.determinant()), confidence),
        FitInterval.STUDENT_T,
        rSquared(form, usable, sums),
        usable.size(),
        points.size() - usable.size(),
        farthest(usable));
  }

  /**
   * Fits the curves of several seeds or prompts together, with percentile intervals of fits to
   * curves drawn from them with replacement: whole curves, because points of one err together.
   *
   * <p>Curves at the same distances are fitted by their mean, which has the same coefficients, and
   * {@code rSquared} and {@code points} are of the mean. Of few curves percentiles are too narrow.
   * An interval is widened to the estimate where all resamples lie to one side of it.
   *
   * <p>Source: Efron 1979, the bootstrap; Efron and Tibshirani 1993, §13.3, percentile intervals.
   *
   * @param curves at least two, each determining α and β by itself
   * @param resamples ≥ 100
   * @param confidence above 0, below 1
   * @param random draws curves
   */
  public static GoldFit bootstrap(
      GoldForm form,
      List<List<GoldPoint>> curves,
      int resamples,
      double confidence,
      RandomGenerator random) {
    Require.atLeast(curves.size(), 2, "curves");
    Require.atLeast(resamples, LEAST_RESAMPLES, "resamples");
    Require.openProbability(confidence, "confidence");
    List<Sums> each = new ArrayList<>();
    for (int i = 0; i < curves.size(); i++) {
      Sums sums = Sums.of(form, usable(form, curves.get(i)));
      if (!sums.determined()) {
        throw new IllegalArgumentException(
            "curves[%d]: one distance that can be fitted, or none (expected: at least two different ones)"
                .formatted(i));
      }
      each.add(sums);
    }
    List<GoldPoint> all = meanOrAll(curves);
    List<GoldPoint> usable = usable(form, all);
    Sums sums = enough(form, usable, all.size());
    double[] alphas = new double[resamples];
    double[] betas = new double[resamples];
    for (int b = 0; b < resamples; b++) {
      Sums drawn = Sums.NONE;
      for (int i = 0; i < each.size(); i++) {
        drawn = drawn.plus(each.get(random.nextInt(each.size())));
      }
      alphas[b] = drawn.alpha();
      betas[b] = drawn.beta();
    }
    return new GoldFit(
        form,
        percentiles(sums.alpha(), alphas, confidence),
        percentiles(sums.beta(), betas, confidence),
        FitInterval.BOOTSTRAP,
        rSquared(form, usable, sums),
        usable.size(),
        all.size() - usable.size(),
        farthest(usable));
  }

  /** Percentiles of {@code resampled}, widened to {@code estimate}. */
  static Interval percentiles(double estimate, double[] resampled, double confidence) {
    double tail = (1 - confidence) / 2;
    return new Interval(
        estimate,
        Math.min(estimate, Quantiles.of(resampled, tail)),
        Math.max(estimate, Quantiles.upper(resampled, tail)),
        confidence);
  }

  private static Interval around(double estimate, double width, double confidence) {
    return new Interval(estimate, estimate - width, estimate + width, confidence);
  }

  private static List<GoldPoint> usable(GoldForm form, List<GoldPoint> points) {
    double least =
        switch (form) {
          case BEST_OF_N -> Double.MIN_VALUE;
          case REINFORCEMENT_LEARNING -> LEAST_RL_DISTANCE;
        };
    return points.stream().filter(point -> point.distance() >= least).toList();
  }

  private static Sums enough(GoldForm form, List<GoldPoint> usable, int given) {
    if (usable.size() < LEAST_POINTS) {
      throw new IllegalArgumentException(
          "points: %d of %d can be fitted (expected: at least %d)"
              .formatted(usable.size(), given, LEAST_POINTS));
    }
    Sums sums = Sums.of(form, usable);
    if (!sums.determined()) {
      throw new IllegalArgumentException(
          "points: all at distance %s (expected: at least two different ones)"
              .formatted(usable.getFirst().distance()));
    }
    return sums;
  }

  private static List<GoldPoint> meanOrAll(List<List<GoldPoint>> curves) {
    List<Double> distances = distances(curves.getFirst());
    if (!curves.stream().allMatch(curve -> distances(curve).equals(distances))) {
      return curves.stream().flatMap(List::stream).toList();
    }
    List<GoldPoint> means = new ArrayList<>();
    for (int i = 0; i < distances.size(); i++) {
      int at = i;
      means.add(
          new GoldPoint(
              distances.get(i),
              Moments.mean(curves.stream().mapToDouble(curve -> curve.get(at).gold()).toArray())));
    }
    return means;
  }

  private static List<Double> distances(List<GoldPoint> curve) {
    return curve.stream().map(GoldPoint::distance).toList();
  }

  private static double farthest(List<GoldPoint> points) {
    return points.stream().mapToDouble(GoldPoint::distance).max().orElseThrow();
  }

  private static double squaredResiduals(GoldForm form, List<GoldPoint> points, Sums sums) {
    double squares = 0;
    for (GoldPoint point : points) {
      double d = point.distance();
      double residual = point.gold() - form.gold(sums.alpha(), sums.beta(), d);
      squares += residual * residual;
    }
    return squares;
  }

  private static OptionalDouble rSquared(GoldForm form, List<GoldPoint> points, Sums sums) {
    double[] golds = points.stream().mapToDouble(GoldPoint::gold).toArray();
    return Moments.allEqual(golds)
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            1
                - squaredResiduals(form, points, sums)
                    / (Moments.populationVariance(golds) * golds.length));
  }

  /**
   * What of points the normal equations need: products of the columns a = d, b = −φ(d) and of R.
   */
  private record Sums(double aa, double ab, double bb, double ar, double br) {
    static final Sums NONE = new Sums(0, 0, 0, 0, 0);

    static Sums of(GoldForm form, List<GoldPoint> points) {
      Sums sums = NONE;
      for (GoldPoint point : points) {
        double a = point.distance();
        double b = -form.loss(a);
        double r = point.gold();
        sums = sums.plus(new Sums(a * a, a * b, b * b, a * r, b * r));
      }
      return sums;
    }

    Sums plus(Sums more) {
      return new Sums(aa + more.aa, ab + more.ab, bb + more.bb, ar + more.ar, br + more.br);
    }

    double determinant() {
      return aa * bb - ab * ab;
    }

    /** Whether the columns differ: not where there is one distance only. */
    boolean determined() {
      return determinant() > LEAST_INDEPENDENCE * aa * bb;
    }

    double alpha() {
      return (bb * ar - ab * br) / determinant();
    }

    double beta() {
      return (aa * br - ab * ar) / determinant();
    }
  }
}
