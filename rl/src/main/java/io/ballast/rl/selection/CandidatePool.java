package io.ballast.rl.selection;

import io.ballast.rl.check.Require;

/** The proxy and gold rewards of N completions that one policy gave one prompt. Immutable. */
public final class CandidatePool {
  private final double[] proxy;
  private final double[] gold;

  private CandidatePool(double[] proxy, double[] gold) {
    this.proxy = proxy;
    this.gold = gold;
  }

  /**
   * Returns a pool.
   *
   * @param proxy shape [N], N ≥ 1, finite, within ±1e100
   * @param gold shape [N], the same; {@code gold[i]} belongs to {@code proxy[i]}
   * @throws IllegalArgumentException if a number is outside the ranges above, naming it by index
   */
  public static CandidatePool of(double[] proxy, double[] gold) {
    return new CandidatePool(checked(proxy, "proxy"), checked(gold, "gold", proxy.length));
  }

  /** How many completions, N. */
  public int size() {
    return proxy.length;
  }

  /** Returns the unbiased estimates of the gold reward of the best of each n by proxy. */
  double[] goldOfBest(int[] ns) {
    return BestOfN.expectedGold(proxy, gold, ns);
  }

  /** Returns the unbiased estimates of the proxy reward of the best of each n by proxy. */
  double[] proxyOfBest(int[] ns) {
    return BestOfN.expectedGold(proxy, proxy, ns);
  }

  private static double[] checked(double[] values, String name, int length) {
    Require.sameLength(values.length, length, name);
    return checked(values, name);
  }

  private static double[] checked(double[] values, String name) {
    double[] copy = Require.finite(values, name).clone();
    for (int i = 0; i < copy.length; i++) {
      Require.inRange(copy[i], -GoldPoint.MAX_GOLD, GoldPoint.MAX_GOLD, name + "[" + i + "]");
    }
    return copy;
  }
}
