package io.ballast.rl.selection;

import io.ballast.rl.check.Require;
import io.ballast.rl.preference.RankingMetrics;
import java.util.Arrays;
import java.util.Comparator;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * PF-PPO: draws completions for training with weights by their rank, so that the reward model is
 * asked where it is right most often.
 *
 * <p>Source: Shen and Zhang 2024 (PF-PPO), arXiv:2409.06957. Which filter: the one with the highest
 * {@link #rSquared} on the first policy.
 */
public final class PolicyFiltration {
  private PolicyFiltration() {}

  /**
   * Returns the probability with which each completion is drawn.
   *
   * <p>Equal rewards share the weights of their ranks. A group of one has weight 1.
   *
   * @param rewards shape [N], N ≥ 1, finite
   * @return shape [N], in the order of {@code rewards}, summing to 1
   */
  public static double[] weights(FiltrationMethod method, double[] rewards) {
    Require.finite(rewards, "rewards");
    int n = rewards.length;
    double[] byRank = rankWeights(method, n);
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> rewards[i]).reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    double[] weights = new double[n];
    int from = 0;
    while (from < n) {
      int to = from;
      double shared = byRank[from];
      while (to + 1 < n && rewards[order[to + 1]] == rewards[order[from]]) {
        to++;
        shared += byRank[to];
      }
      for (int i = from; i <= to; i++) {
        weights[order[i]] = shared / (to - from + 1);
      }
      from = to + 1;
    }
    return weights;
  }

  /**
   * Returns weights proportional to a power of the rewards' size.
   *
   * <pre>wᵢ ∝ |rᵢ|^power</pre>
   *
   * <p>Source: verl's {@code pow} filter. All rewards 0: uniform.
   *
   * @param power ≥ 0
   */
  public static double[] powerWeights(double[] rewards, double power) {
    Require.finite(rewards, "rewards");
    Require.notNegative(power, "power");
    double largest = Arrays.stream(rewards).map(Math::abs).max().orElseThrow();
    double[] weights =
        Arrays.stream(rewards)
            .map(reward -> largest == 0 ? 1 : Math.pow(Math.abs(reward) / largest, power))
            .toArray();
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / sum).toArray();
  }

  /**
   * Returns the share of the true score's variance that the best line in the reward explains.
   *
   * <pre>R² = 1 − Σ(s − ŝ)²/Σ(s − s̄)²</pre>
   *
   * @param rewards shape [n], n ≥ 2, finite, of the completions that a filter kept
   * @param truth shape [n], finite
   * @return 0 to 1; empty if either is constant
   */
  public static OptionalDouble rSquared(double[] rewards, double[] truth) {
    OptionalDouble r = RankingMetrics.pearson(rewards, truth);
    return r.isEmpty() ? r : OptionalDouble.of(r.getAsDouble() * r.getAsDouble());
  }

  private static double[] rankWeights(FiltrationMethod method, int n) {
    double[] weights = new double[n];
    if (n == 1) {
      weights[0] = 1;
      return weights;
    }
    switch (method) {
      case UNIFORM -> Arrays.fill(weights, 1.0 / n);
      case BEST_OF_N -> weights[0] = 1;
      case BEST_RANDOM -> {
        Arrays.fill(weights, 1 / (2.0 * (n - 1)));
        weights[0] = 0.5;
      }
      case BEST_WORST -> {
        weights[0] = 0.5;
        weights[n - 1] = 0.5;
      }
    }
    return weights;
  }
}
