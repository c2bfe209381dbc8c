package io.ballast.policy.core.version;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.bound.BoundMethod;
import java.util.Set;

/**
 * What the operator asks of a certificate, whatever its test chose for itself: who trains a
 * candidate, and starts its test, does not set the bar.
 *
 * @param maxThreshold the greatest τ, above 0, at most 1
 * @param maxDelta the greatest δ of all looks at the candidate's weights together, above 0, at most
 *     1
 * @param minObservations the least n: prompts, or groups of prompts where they have some; at least
 *     2
 * @param judges the cost models that may have judged, each {@code NAME}, in any version, or {@code
 *     NAME/VERSION}; empty: any
 * @param bounds the bounds that may have been computed; empty: any
 * @param sameCostModel whether the test may have allowed a judge that the candidate's run optimised
 *     against, or that learned from the same labels
 */
public record PromotionLimits(
    double maxThreshold,
    double maxDelta,
    int minObservations,
    Set<String> judges,
    Set<BoundMethod> bounds,
    boolean sameCostModel) {
  public PromotionLimits {
    judges = Set.copyOf(judges);
    bounds = Set.copyOf(bounds);
  }

  /** Whether {@code judge} may have judged. */
  public boolean allows(PinnedVersion judge) {
    return judges.isEmpty()
        || judges.contains(judge.model())
        || judges.contains(judge.model() + "/" + judge.version());
  }
}
