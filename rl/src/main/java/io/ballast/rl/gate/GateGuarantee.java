package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * What was proven of a rule: with probability at least 1 − α over the examples that decided, at
 * least ρ of what it hides would have been rejected, however many rules it was chosen from.
 *
 * @param targetAccuracy ρ, above 0, below 1
 * @param alpha α, above 0, below 1
 * @param hidden examples that it hid, ≥ 1
 * @param accepted of those, how many the user accepted
 * @param pValue the rule's own, before the correction for the many; 0 to 1
 */
public record GateGuarantee(
    double targetAccuracy, double alpha, int hidden, int accepted, double pValue) {
  /** Checks the ranges above. */
  public GateGuarantee {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    Require.openProbability(alpha, "alpha");
    Require.atLeast(hidden, 1, "hidden");
    Require.inRange(accepted, 0, hidden, "accepted");
    Require.probability(pValue, "pValue");
  }
}
