package io.ballast.rl.advantage;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;

/**
 * Advantage estimators over one group: the G completions sampled from one prompt.
 *
 * <p>Every method returns a new array of shape [G] in the order of its argument. Rewards are
 * finite, in any unit, G ≥ 1; anything else is refused with {@link IllegalArgumentException} by
 * name.
 */
public final class GroupAdvantages {
  private GroupAdvantages() {}

  /**
   * Returns the rewards centred on the group's mean and divided by its standard deviation.
   *
   * <pre>Âᵢ = (rᵢ − mean(r)) / (std(r) + ε)</pre>
   *
   * <p>Source: Shao et al. 2024 (GRPO), §4.1.2, arXiv:2402.03300. The paper leaves two choices
   * open: {@code std} divides by G − 1 here, as TRL and verl do, and ε is the caller's. Equal
   * rewards carry no signal and yield exact zeros; so does a group of one.
   *
   * @param rewards shape [G], G ≥ 1, finite, any unit
   * @param epsilon in the rewards' unit, &gt; 0
   * @return shape [G], in the order of {@code rewards}, dimensionless, a new array
   * @throws IllegalArgumentException if an argument is outside the ranges above
   */
  public static double[] standardized(double[] rewards, double epsilon) {
    Require.finite(rewards, "rewards");
    Require.positive(epsilon, "epsilon");
    double[] advantages = new double[rewards.length];
    if (Moments.allEqual(rewards)) {
      return advantages;
    }
    double mean = Moments.mean(rewards);
    double std = Moments.sampleStd(rewards);
    for (int i = 0; i < rewards.length; i++) {
      advantages[i] = (rewards[i] - mean) / (std + epsilon);
    }
    return advantages;
  }

  /**
   * Returns the rewards centred on the group's mean: no division, so that neither easy nor hard
   * prompts are favoured.
   *
   * <pre>Âᵢ = rᵢ − mean(r)</pre>
   *
   * <p>Source: Liu et al. 2025 (Dr. GRPO), arXiv:2503.20783. Meant to go with {@code
   * Aggregation.constantDivisor}. Equal rewards and a group of one yield exact zeros.
   */
  public static double[] centred(double[] rewards) {
    Require.finite(rewards, "rewards");
    double[] advantages = new double[rewards.length];
    if (Moments.allEqual(rewards)) {
      return advantages;
    }
    double mean = Moments.mean(rewards);
    for (int i = 0; i < rewards.length; i++) {
      advantages[i] = rewards[i] - mean;
    }
    return advantages;
  }

  /**
   * Returns each reward less the mean of the others' rewards.
   *
   * <pre>Âᵢ = rᵢ − mean_{j≠i} rⱼ = (rᵢ − mean(r))·G/(G − 1)</pre>
   *
   * <p>Source: Ahmadian et al. 2024 (RLOO), arXiv:2402.14740. Equal rewards yield exact zeros. A
   * group of one has no others: its advantage is its reward, as in TRL and verl, which is REINFORCE
   * without a baseline; a run that wants a signal asks for G ≥ 2.
   */
  public static double[] leaveOneOut(double[] rewards) {
    if (rewards.length == 1) {
      return Require.finite(rewards, "rewards").clone();
    }
    double[] advantages = centred(rewards);
    double scale = (double) rewards.length / (rewards.length - 1);
    for (int i = 0; i < advantages.length; i++) {
      advantages[i] *= scale;
    }
    return advantages;
  }

  /**
   * Returns the rewards less {@code baseline}: a running mean, the reward of a greedy completion
   * (ReMax), a critic's value.
   *
   * <p>Source: Williams 1992 (REINFORCE); ReMax: Li et al. 2023, arXiv:2310.10505.
   *
   * @param baseline in the rewards' unit, finite; must not depend on the completion it judges
   */
  public static double[] againstBaseline(double[] rewards, double baseline) {
    Require.finite(rewards, "rewards");
    Require.finite(baseline, "baseline");
    double[] advantages = new double[rewards.length];
    for (int i = 0; i < rewards.length; i++) {
      advantages[i] = rewards[i] - baseline;
    }
    return advantages;
  }
}
