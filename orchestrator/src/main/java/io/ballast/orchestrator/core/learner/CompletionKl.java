package io.ballast.orchestrator.core.learner;

import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.function.IntToDoubleFunction;

/**
 * KL(π ‖ π_ref) of a completion as it is shown, wherever it is: the sum over its tokens of k3 where
 * the policy sampled it, of k2, half the squared log-ratio, where it may be of anybody, a data set
 * or the reference: of a token that the policy hardly writes k3 is e^(−u), which estimates nothing.
 * The policy sampled what has {@link PerTokenName#SERVED_LOG_PROB}.
 */
public final class CompletionKl {
  private CompletionKl() {}

  /**
   * Returns the KL of {@code sample}, nats, ≥ 0.
   *
   * @param sample with {@link PerTokenName#REFERENCE_LOG_PROB}
   * @param policy which of its numbers are log π
   */
  public static double nats(Sample sample, PerTokenName policy) {
    return nats(sample, policy, _ -> 1);
  }

  /**
   * The same of what enters a loss, each token by its share of the loss mask: what a tool or an
   * observation wrote in the middle of a completion is no sample of the policy's.
   */
  static double maskedNats(Sample sample, PerTokenName policy) {
    return nats(sample, policy, sample::lossMask);
  }

  private static double nats(Sample sample, PerTokenName policy, IntToDoubleFunction share) {
    KlEstimator estimator = estimator(sample);
    Numbers current = sample.numbers(policy);
    Numbers reference = sample.numbers(PerTokenName.REFERENCE_LOG_PROB);
    double kl = 0;
    for (int t = 0; t < sample.size(); t++) {
      kl += share.applyAsDouble(t) * estimator.estimate(current.get(t) - reference.get(t));
    }
    return kl;
  }

  private static KlEstimator estimator(Sample sample) {
    boolean sampled =
        sample.role() == SampleRole.ROLLOUT || sample.perToken().has(PerTokenName.SERVED_LOG_PROB);
    return sampled ? KlEstimator.K3 : KlEstimator.K2;
  }
}
