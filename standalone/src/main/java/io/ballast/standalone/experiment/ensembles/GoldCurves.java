package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.selection.BestOfNCurve;
import io.ballast.rl.selection.BestOfNPlan;
import io.ballast.rl.selection.CandidatePool;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * The expected gold of the best of n, for each aggregate and each seed, and that of the oracle that
 * chooses by gold itself. Immutable.
 *
 * <p>Shape letters: S seeds, M values of n, P prompts, K members.
 */
final class GoldCurves {
  private static final int LEAST_RESAMPLES = 100;
  private static final double CONFIDENCE = 0.95;

  private final List<Integer> ns;
  private final Map<Aggregate, List<double[]>> gold = new EnumMap<>(Aggregate.class);
  private final List<double[]> oracle = new ArrayList<>();

  private GoldCurves(List<Integer> ns) {
    this.ns = ns;
    for (Aggregate aggregate : Aggregate.values()) {
      gold.put(aggregate, new ArrayList<>());
    }
  }

  /** The curves of one seed. Not to be written. */
  static final class OfSeed {
    private final Map<Aggregate, double[]> gold;
    private final double[] oracle;

    /**
     * Curves of these numbers.
     *
     * @param gold of each aggregate, shape [M]
     * @param oracle shape [M]
     */
    OfSeed(Map<Aggregate, double[]> gold, double[] oracle) {
      this.gold = gold;
      this.oracle = oracle;
    }

    /** Of each aggregate, shape [M]. */
    Map<Aggregate, double[]> gold() {
      return gold;
    }

    /** Of one aggregate, shape [M]. */
    double[] gold(Aggregate aggregate) {
      return Objects.requireNonNull(gold.get(aggregate));
    }

    /** Of choosing by gold itself, shape [M]. */
    double[] oracle() {
      return oracle;
    }

    /**
     * Estimates the curves of one seed; the single member's is the mean over all members, each
     * choosing by itself.
     *
     * @param pools of all prompts, each at least as large as the greatest n
     */
    static OfSeed of(List<Integer> ns, List<ScoredPool> pools) {
      Map<Aggregate, double[]> gold = new EnumMap<>(Aggregate.class);
      int members = pools.getFirst().members().length;
      double[] single = new double[ns.size()];
      for (int k = 0; k < members; k++) {
        double[] own = curve(ns, pools, Aggregate.SINGLE, k);
        for (int i = 0; i < own.length; i++) {
          single[i] += own[i] / members;
        }
      }
      gold.put(Aggregate.SINGLE, single);
      for (Aggregate aggregate : List.of(Aggregate.MEAN, Aggregate.UWO, Aggregate.WCO)) {
        gold.put(aggregate, curve(ns, pools, aggregate, 0));
      }
      return new OfSeed(
          gold,
          estimate(
              ns, pools.stream().map(pool -> CandidatePool.of(pool.gold(), pool.gold())).toList()));
    }

    private static double[] curve(
        List<Integer> ns, List<ScoredPool> pools, Aggregate aggregate, int single) {
      return estimate(
          ns,
          pools.stream()
              .map(pool -> CandidatePool.of(aggregate.rewards(pool.members(), single), pool.gold()))
              .toList());
    }

    private static double[] estimate(List<Integer> ns, List<CandidatePool> pools) {
      // intervals here are over seeds, so those over prompts are not used
      BestOfNPlan plan = new BestOfNPlan(ns, 0, LEAST_RESAMPLES, CONFIDENCE);
      return BestOfNCurve.estimate(pools, plan, new SplittableRandom(1)).points().stream()
          .mapToDouble(BestOfNCurve.Point::gold)
          .toArray();
    }
  }

  /**
   * Returns the curves of all seeds.
   *
   * @param ns ascending, the first 1
   * @param seeds at least two
   */
  static GoldCurves of(List<Integer> ns, List<OfSeed> seeds) {
    GoldCurves curves = new GoldCurves(List.copyOf(ns));
    for (OfSeed seed : seeds) {
      seed.gold().forEach((aggregate, curve) -> curves.of(aggregate).add(curve.clone()));
      curves.oracle.add(seed.oracle().clone());
    }
    return curves;
  }

  private List<double[]> of(Aggregate aggregate) {
    return Objects.requireNonNull(gold.get(aggregate));
  }

  /** The n, ascending. */
  List<Integer> ns() {
    return ns;
  }

  /** S. */
  int seeds() {
    return oracle.size();
  }

  /** Returns the gold at n of each seed, shape [S]. */
  double[] at(Aggregate aggregate, int n) {
    return column(of(aggregate), n);
  }

  /** Returns the oracle's gold at n of each seed, shape [S]. */
  double[] oracleAt(int n) {
    return column(oracle, n);
  }

  private double[] column(List<double[]> curves, int n) {
    int index = ns.indexOf(n);
    if (index < 0) {
      throw new IllegalArgumentException("n: " + n + " (expected: one of " + ns + ")");
    }
    return curves.stream().mapToDouble(curve -> curve[index]).toArray();
  }

  /** Returns one seed's curve, shape [M]. */
  double[] curve(Aggregate aggregate, int seed) {
    return of(aggregate).get(seed).clone();
  }

  /** Returns one seed's curve of the oracle, shape [M]. */
  double[] oracleCurve(int seed) {
    return oracle.get(seed).clone();
  }

  /** Returns for each seed log₂ of the n at which the curve is highest, the first such n. */
  double[] peaks(Aggregate aggregate) {
    return of(aggregate).stream()
        .mapToDouble(
            curve -> {
              int best = 0;
              for (int i = 1; i < curve.length; i++) {
                best = curve[i] > curve[best] ? i : best;
              }
              return Math.log(ns.get(best)) / Math.log(2);
            })
        .toArray();
  }
}
