package io.ballast.rl.advantage;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Numbers;

/** Advantages of the T tokens of one completion. */
public final class TokenAdvantages {
  private TokenAdvantages() {}

  /**
   * Returns the discounted rewards to go.
   *
   * <pre>Rₜ = Σ_{k ≥ t} γ^{k−t} rₖ</pre>
   *
   * <p>Source: Williams 1992 (REINFORCE); with γ = 1 the form that language models use.
   *
   * @param rewards shape [T], T ≥ 1, finite
   * @param discount γ, 0 to 1
   * @return shape [T], in the rewards' unit, a new array
   */
  public static double[] rewardsToGo(double[] rewards, double discount) {
    Require.finite(rewards, "rewards");
    Require.probability(discount, "discount");
    double[] returns = new double[rewards.length];
    double next = 0;
    for (int t = rewards.length - 1; t >= 0; t--) {
      next = rewards[t] + discount * next;
      returns[t] = next;
    }
    return returns;
  }

  /**
   * Returns generalised advantage estimates and the returns that train the critic.
   *
   * <pre>
   * δₜ = rₜ + γ·Vₜ₊₁ − Vₜ
   * Aₜ = δₜ + γλ·Aₜ₊₁
   * Gₜ = Aₜ + Vₜ
   * </pre>
   *
   * <p>Source: Schulman et al. 2015, eq. 16, arXiv:1506.02438. With λ = 1 and {@code
   * bootstrapValue} 0 the advantages are the rewards to go less the values.
   *
   * @param rewards shape [T], T ≥ 1, finite
   * @param values shape [T]: the critic's value before each token, finite
   * @param discount γ, 0 to 1
   * @param lambda λ, 0 to 1: 0 trusts the critic, 1 the rewards
   * @param bootstrapValue the value after the last token: 0 if the completion ended by itself; a
   *     critic's estimate if it was cut off, for cut off is not ended
   */
  public static TokenEstimates generalised(
      double[] rewards, double[] values, double discount, double lambda, double bootstrapValue) {
    Require.finite(rewards, "rewards");
    Require.sameLength(values.length, rewards.length, "values");
    Require.finite(values, "values");
    Require.probability(discount, "discount");
    Require.probability(lambda, "lambda");
    Require.finite(bootstrapValue, "bootstrapValue");
    double[] advantages = new double[rewards.length];
    double[] returns = new double[rewards.length];
    double nextValue = bootstrapValue;
    double nextAdvantage = 0;
    for (int t = rewards.length - 1; t >= 0; t--) {
      double delta = rewards[t] + discount * nextValue - values[t];
      nextAdvantage = delta + discount * lambda * nextAdvantage;
      advantages[t] = nextAdvantage;
      returns[t] = nextAdvantage + values[t];
      nextValue = values[t];
    }
    return new TokenEstimates(Numbers.of(advantages), Numbers.of(returns));
  }
}
