package io.ballast.rl.stats;

import io.ballast.rl.check.Require;
import java.util.OptionalDouble;

/**
 * What to watch of a policy in training beside its reward; means over one iteration's completions.
 *
 * @param kl KL(π ‖ π_ref) of a completion, nats; empty where it was not measured
 * @param spread the reward members' standard deviation, ≥ 0; empty of a reward without members
 * @param entropy of a token, nats, ≥ 0
 * @param lengthTokens of a completion, ≥ 0
 * @param phraseShare the share of completions with a watched phrase, 0 to 1
 */
public record PolicyVitals(
    OptionalDouble kl,
    OptionalDouble spread,
    double entropy,
    double lengthTokens,
    double phraseShare) {
  /** Checks the ranges above. */
  public PolicyVitals {
    kl.ifPresent(value -> Require.finite(value, "kl"));
    spread.ifPresent(value -> Require.notNegative(value, "spread"));
    Require.notNegative(entropy, "entropy");
    Require.notNegative(lengthTokens, "lengthTokens");
    Require.probability(phraseShare, "phraseShare");
  }
}
