package io.ballast.policy.core.sample;

import io.ballast.inference.api.Generation;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.PhaseTimes;
import java.util.List;

/**
 * Samples in the order of the prompts.
 *
 * @param groups shape [P] of [G], or why a prompt has none
 * @param policyVersion the version that drew every token
 * @param seed the seed that was used
 * @param times where the time went
 */
public record SampleAnswer(
    List<Outcome<List<Generation>>> groups,
    PinnedVersion policyVersion,
    long seed,
    PhaseTimes times) {
  public SampleAnswer {
    groups = List.copyOf(groups);
  }
}
