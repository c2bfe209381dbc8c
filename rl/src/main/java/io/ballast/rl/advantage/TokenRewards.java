package io.ballast.rl.advantage;

import io.ballast.rl.check.Require;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.stats.RunningMoments;

/** Rewards of tokens, before advantages are made of them. */
public final class TokenRewards {
  private TokenRewards() {}

  /**
   * Returns rewards that pay for drifting from the reference at each token and for the whole
   * completion at the last.
   *
   * <pre>rₜ = −β·(log π(aₜ) − log π_ref(aₜ)) + 1[t = T]·r</pre>
   *
   * <p>Source: Ouyang et al. 2022 (InstructGPT), eq. 2, arXiv:2203.02155; PPO-max trick 1,
   * arXiv:2307.04964. For a cost, pass −β as {@code klCoefficient}: drifting then adds to it.
   *
   * @param logProbs shape [T], T ≥ 1, nats, of the policy that sampled
   * @param referenceLogProbs shape [T], nats
   * @param klCoefficient β, finite
   * @param reward of the completion, finite; belongs to the last generated token
   * @return shape [T], a new array
   */
  public static double[] withKlPenalty(
      double[] logProbs, double[] referenceLogProbs, double klCoefficient, double reward) {
    return withKlPenalty(KlEstimator.K1, logProbs, referenceLogProbs, klCoefficient, reward);
  }

  /**
   * Returns the rewards of {@link #withKlPenalty(double[], double[], double, double)} with another
   * estimate of the distance.
   *
   * <pre>rₜ = −β·k(log π(aₜ) − log π_ref(aₜ)) + 1[t = T]·r</pre>
   *
   * <p>Source: Hu et al. 2025 (REINFORCE++), arXiv:2501.03262; the estimators as OpenRLHF offers
   * them. In the reward k1 is the one whose policy gradient is that of the KL; the estimate is a
   * constant there.
   *
   * @param estimator k
   */
  public static double[] withKlPenalty(
      KlEstimator estimator,
      double[] logProbs,
      double[] referenceLogProbs,
      double klCoefficient,
      double reward) {
    Require.finite(logProbs, "logProbs");
    Require.sameLength(referenceLogProbs.length, logProbs.length, "referenceLogProbs");
    Require.finite(referenceLogProbs, "referenceLogProbs");
    Require.finite(klCoefficient, "klCoefficient");
    Require.finite(reward, "reward");
    double[] rewards = new double[logProbs.length];
    for (int t = 0; t < rewards.length; t++) {
      rewards[t] -= klCoefficient * estimator.estimate(logProbs[t] - referenceLogProbs[t]);
    }
    rewards[rewards.length - 1] += reward;
    return rewards;
  }

  /**
   * Returns a reward in units of everything seen so far, clipped.
   *
   * <pre>r̃ = clip((r − μ)/σ, −δ, δ)</pre>
   *
   * <p>Source: PPO-max trick 5, arXiv:2307.04964 §5.3.1. With no spread seen yet (σ = 0) the answer
   * is 0: nothing is known of the unit.
   *
   * @param reward finite
   * @param seen the moments of all rewards so far, this one's batch included
   * @param clip δ, &gt; 0
   */
  public static double normalised(double reward, RunningMoments seen, double clip) {
    Require.finite(reward, "reward");
    Require.positive(clip, "clip");
    double std = seen.sampleStd();
    return std == 0 ? 0 : Math.clamp((reward - seen.mean()) / std, -clip, clip);
  }

  /**
   * Returns what is added to the reward of a completion that comes near the length limit.
   *
   * <pre>min(0, −c·(length − (L_max − L_cache)) / L_cache), at least −c</pre>
   *
   * <p>Source: Yu et al. 2025 (DAPO), arXiv:2503.14476.
   *
   * @param lengthTokens ≥ 0
   * @param maxTokens L_max, ≥ {@code bufferTokens}
   * @param bufferTokens L_cache, ≥ 1: where the penalty grows from 0 to c
   * @param penalty c, ≥ 0, in the reward's unit
   * @return −c to 0
   */
  public static double overlongPenalty(
      int lengthTokens, int maxTokens, int bufferTokens, double penalty) {
    Require.atLeast(lengthTokens, 0, "lengthTokens");
    Require.atLeast(bufferTokens, 1, "bufferTokens");
    Require.atLeast(maxTokens, bufferTokens, "maxTokens");
    Require.notNegative(penalty, "penalty");
    double over = (double) (lengthTokens - (maxTokens - bufferTokens)) / bufferTokens;
    return over <= 0 ? 0 : -penalty * Math.min(over, 1);
  }
}
