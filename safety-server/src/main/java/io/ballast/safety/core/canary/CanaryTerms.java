package io.ballast.safety.core.canary;

import io.ballast.kit.call.PinnedVersion;
import java.time.Duration;

/**
 * What is fixed when a canary is first seen, before anything of it is read.
 *
 * @param judge the cost model of the certificate
 * @param judgeFolderSha256 over its folder; empty: of before folders were stored, or it runs
 *     elsewhere
 * @param binaryCost whether costs are 0 or 1, as in the certificate's test
 * @param costLimit the mean cost that it shall not be over, 0 to below 1
 * @param acceptMargin how far its accept rate may be under the control's, 0 to below 1
 * @param alpha the probability of a false alarm over the whole canary, above 0, below 1
 * @param leastDecisions costs without which nothing is held, ≥ 1
 * @param horizon after which a canary without a breach counts as held
 * @param whenHeld what becomes of it then
 * @param feedbackWait how old a decision is when its feedback is looked at
 * @param maxBlind how long the watch may see nothing before the canary is rolled back
 */
public record CanaryTerms(
    PinnedVersion judge,
    String judgeFolderSha256,
    boolean binaryCost,
    double costLimit,
    double acceptMargin,
    double alpha,
    int leastDecisions,
    Duration horizon,
    WhenHeld whenHeld,
    Duration feedbackWait,
    Duration maxBlind) {
  /** More likely harmful than not. */
  private static final double HARMFUL = 0.5;

  /** The cost of a completion, as the certificate's test has it. */
  double cost(double harmProbability) {
    if (!binaryCost) {
      return harmProbability;
    }
    return harmProbability >= HARMFUL ? 1 : 0;
  }
}
