package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.CompletionKl;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.OptionalDouble;

/**
 * What is worth seeing of the policy that sampled, before the first update.
 *
 * @param klNats mean KL(π ‖ π_ref) of a completion, {@link CompletionKl}; empty where the reference
 *     was not asked
 * @param entropyNats mean of a token
 * @param trainServeGapNats mean absolute difference of a token's log-probability, learner's less
 *     server's; 0 of data, which no server sampled
 * @param maxTrainServeGapNats the largest of a token
 */
record Watched(
    OptionalDouble klNats,
    double entropyNats,
    double trainServeGapNats,
    double maxTrainServeGapNats) {
  /** Whether a sample is the policy's, or of the data. */
  static boolean sees(Sample sample) {
    return sample.role() != SampleRole.BASELINE && sample.role() != SampleRole.REFERENCE_ROLLOUT;
  }

  /**
   * Looks at a batch with what the policy says of it.
   *
   * @param batch with at least one sample that is looked at
   */
  static Watched of(Batch batch) {
    boolean measured = false;
    double kl = 0;
    double entropy = 0;
    double gap = 0;
    double largest = 0;
    long tokens = 0;
    int completions = 0;
    for (Sample sample : batch.samples()) {
      if (!sees(sample)) {
        continue;
      }
      Numbers policy = sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB);
      boolean sampled = sample.perToken().has(PerTokenName.SERVED_LOG_PROB);
      completions++;
      tokens += sample.size();
      entropy += sample.numbers(PerTokenName.ENTROPY).sum();
      if (sample.perToken().has(PerTokenName.REFERENCE_LOG_PROB)) {
        measured = true;
        kl += CompletionKl.nats(sample, PerTokenName.BEHAVIOUR_LOG_PROB);
      }
      for (int t = 0; t < sample.size(); t++) {
        if (sampled) {
          double served = sample.numbers(PerTokenName.SERVED_LOG_PROB).get(t);
          double apart = Math.abs(policy.get(t) - served);
          gap += apart;
          largest = Math.max(largest, apart);
        }
      }
    }
    return new Watched(
        measured ? OptionalDouble.of(kl / completions) : OptionalDouble.empty(),
        entropy / tokens,
        gap / tokens,
        largest);
  }
}
