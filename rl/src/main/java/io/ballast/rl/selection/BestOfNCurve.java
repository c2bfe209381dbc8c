package io.ballast.rl.selection;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * What taking the best of n completions by a proxy is worth by gold, for several n, over prompts.
 *
 * <p>Estimates are unbiased ({@link BestOfN#expectedGold}), each prompt weighing the same.
 * Intervals are percentiles over prompts drawn with replacement, since completions of one prompt
 * are alike; one prompt has none. The fit is {@link GoldForm#BEST_OF_N} to the gold that is gained
 * over n = 1, d being the root of the nominal KL.
 *
 * @param points one for each n asked, ascending
 * @param prompts pools that were averaged
 * @param fit the form, where it can be fitted
 * @param whyNoFit why it cannot; empty text if it can
 */
public record BestOfNCurve(
    List<Point> points, int prompts, Optional<GoldFit> fit, String whyNoFit) {
  public BestOfNCurve {
    points = List.copyOf(points);
  }

  /**
   * One n.
   *
   * @param n completions to choose from
   * @param kl nominal KL in nats, exact for scores without ties, an upper bound otherwise
   * @param proxy the expected proxy reward of the chosen one
   * @param gold its expected gold reward
   * @param goldInterval of {@code gold} over prompts; empty for a single prompt
   */
  public record Point(
      int n, double kl, double proxy, double gold, Optional<Interval> goldInterval) {}

  /**
   * Estimates a curve.
   *
   * @param pools one for each prompt, at least one, each with at least as many completions as the
   *     greatest n
   * @param random draws prompts
   * @throws IllegalArgumentException naming the pool that is too small
   */
  public static BestOfNCurve estimate(
      List<CandidatePool> pools, BestOfNPlan plan, RandomGenerator random) {
    Require.atLeast(pools.size(), 1, "pools");
    int[] ns = plan.ns().stream().mapToInt(Integer::intValue).toArray();
    for (int p = 0; p < pools.size(); p++) {
      if (pools.get(p).size() < ns[ns.length - 1]) {
        throw new IllegalArgumentException(
            "pools[%d]: %,d completions (expected: at least the greatest n, %,d)"
                .formatted(p, pools.get(p).size(), ns[ns.length - 1]));
      }
    }
    int[] withOne = IntStream.concat(IntStream.of(1), Arrays.stream(ns)).toArray();
    double[][] gold = new double[pools.size()][]; // [P][1 + ns]: the first is n = 1
    double[][] proxy = new double[pools.size()][];
    for (int p = 0; p < pools.size(); p++) {
      gold[p] = pools.get(p).goldOfBest(withOne);
      proxy[p] = pools.get(p).proxyOfBest(ns);
    }
    double[][] resampled = resampledMeans(gold, plan.resamples(), random);
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < ns.length; i++) {
      double mean = meanOf(gold, i + 1);
      points.add(
          new Point(
              ns[i],
              BestOfN.kl(ns[i]),
              meanOf(proxy, i),
              mean,
              pools.size() == 1
                  ? Optional.empty()
                  : Optional.of(GoldFits.percentiles(mean, resampled[i + 1], plan.confidence()))));
    }
    return fitted(points, gold, plan, random);
  }

  private static BestOfNCurve fitted(
      List<Point> points, double[][] gold, BestOfNPlan plan, RandomGenerator random) {
    List<List<GoldPoint>> curves = new ArrayList<>();
    for (double[] golds : gold) {
      List<GoldPoint> curve = new ArrayList<>();
      for (int i = 0; i < points.size(); i++) {
        Point point = points.get(i);
        if (plan.fitUpTo() == 0 || point.n() <= plan.fitUpTo()) {
          curve.add(new GoldPoint(Math.sqrt(point.kl()), golds[i + 1] - golds[0]));
        }
      }
      curves.add(curve);
    }
    long usable = curves.getFirst().stream().filter(point -> point.distance() > 0).count();
    if (usable < GoldFits.LEAST_POINTS) {
      return new BestOfNCurve(
          points,
          gold.length,
          Optional.empty(),
          "%d of the n are over 1 and to be fitted (expected: at least %d)"
              .formatted(usable, GoldFits.LEAST_POINTS));
    }
    GoldFit fit =
        curves.size() == 1
            ? GoldFits.studentT(GoldForm.BEST_OF_N, curves.getFirst(), plan.confidence())
            : GoldFits.bootstrap(
                GoldForm.BEST_OF_N, curves, plan.resamples(), plan.confidence(), random);
    return new BestOfNCurve(points, gold.length, Optional.of(fit), "");
  }

  /** Means over prompts drawn with replacement; shape [columns][resamples]. */
  private static double[][] resampledMeans(
      double[][] values, int resamples, RandomGenerator random) {
    int columns = values[0].length;
    double[][] means = new double[columns][resamples];
    for (int b = 0; b < resamples; b++) {
      for (int p = 0; p < values.length; p++) {
        double[] drawn = values[random.nextInt(values.length)];
        for (int i = 0; i < columns; i++) {
          means[i][b] += drawn[i] / values.length;
        }
      }
    }
    return means;
  }

  private static double meanOf(double[][] values, int column) {
    return Moments.mean(Arrays.stream(values).mapToDouble(row -> row[column]).toArray());
  }
}
