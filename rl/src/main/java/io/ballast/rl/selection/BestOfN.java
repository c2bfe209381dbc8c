package io.ballast.rl.selection;

import io.ballast.rl.check.Require;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** What taking the best of n completions by a proxy is worth, and how far it goes. */
public final class BestOfN {
  private BestOfN() {}

  /**
   * Returns the nominal KL(best-of-n ‖ policy) in nats.
   *
   * <pre>ln n − (n − 1)/n</pre>
   *
   * <p>Source: Stiennon et al. 2020; Gao et al. 2023, arXiv:2210.10760. Exact for continuous scores
   * without ties, an upper bound otherwise.
   *
   * @param n ≥ 1
   */
  public static double kl(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("n: " + n + " (expected: >= 1)");
    }
    return Math.log((double) n) - (n - 1.0) / n;
  }

  /**
   * Returns an unbiased estimate of the gold score of the best of n by proxy, from one pool.
   *
   * <pre>Ĝ(n) = Σ_{i=n..N} C(i−1, n−1)/C(N, n)·gold of the i-th smallest proxy</pre>
   *
   * <p>Source: Nakano et al. 2021 (WebGPT), arXiv:2112.09332; Coste et al. 2024, arXiv:2310.02743.
   * Weights by recursion from the top, so that no binomial overflows. Equal proxies share their
   * weights: the answer does not depend on the order of the pool.
   *
   * @param proxy shape [N], finite
   * @param gold shape [N], finite; {@code gold[i]} belongs to {@code proxy[i]}
   * @param n 1 to N
   */
  public static double expectedGold(double[] proxy, double[] gold, int n) {
    return expectedGold(proxy, gold, new int[] {n})[0];
  }

  /**
   * Returns {@link #expectedGold(double[], double[], int)} for each of {@code ns}, sorting once.
   *
   * @param ns shape [M], each 1 to N
   * @return shape [M]
   */
  static double[] expectedGold(double[] proxy, double[] gold, int[] ns) {
    Require.finite(proxy, "proxy");
    Require.sameLength(gold.length, proxy.length, "gold");
    Require.finite(gold, "gold");
    int[] order =
        IntStream.range(0, proxy.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> proxy[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    return Arrays.stream(ns).mapToDouble(n -> expectedGold(proxy, gold, order, n)).toArray();
  }

  private static double expectedGold(double[] proxy, double[] gold, int[] order, int n) {
    double[] weights = weights(proxy.length, n);
    double sum = 0;
    int from = 0;
    while (from < order.length) {
      int to = from;
      double weight = weights[from];
      double golds = gold[order[from]];
      while (to + 1 < order.length && proxy[order[to + 1]] == proxy[order[from]]) {
        to++;
        weight += weights[to];
        golds += gold[order[to]];
      }
      sum += weight * golds / (to - from + 1);
      from = to + 1;
    }
    return sum;
  }

  /**
   * Returns the weights of {@link #expectedGold}: the probability that the i-th smallest of a pool
   * is the largest of n drawn without replacement.
   *
   * @param poolSize N ≥ 1
   * @param n 1 to N
   * @return shape [N], ascending, summing to 1
   */
  public static double[] weights(int poolSize, int n) {
    Require.atLeast(poolSize, 1, "poolSize");
    Require.inRange(n, 1, poolSize, "n");
    double[] weights = new double[poolSize];
    double weight = (double) n / poolSize;
    for (int i = poolSize; i >= n; i--) {
      weights[i - 1] = weight;
      weight *= i == 1 ? 0 : (double) (i - n) / (i - 1);
    }
    return weights;
  }
}
