package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * What was proven of a rule: with probability at least 1 − α over the examples that decided, at
 * least ρ of what it hides would have been rejected, however many rules it was chosen from. Of what
 * share that is said, the unit says.
 *
 * @param targetAccuracy ρ, above 0, below 1
 * @param alpha α, above 0, below 1
 * @param unit what was taken as independent
 * @param units how many of those had something hidden, ≥ 1
 * @param hidden examples that it hid, ≥ {@code units}
 * @param accepted of those, how many the user accepted
 * @param pValue the rule's own, before the correction for the many; 0 to 1
 */
public record GateGuarantee(
    double targetAccuracy,
    double alpha,
    Unit unit,
    int units,
    int hidden,
    int accepted,
    double pValue) {
  /** What is independent, and of what the promise speaks. */
  public enum Unit {
    /**
     * A user, or a file where one person made all decisions: the mean over users of the share of
     * rejected ones among what is hidden from each is at least ρ. A user counts alike however much
     * is hidden from them.
     */
    GROUP,
    /** A decision, which the caller declared to be independent: of all that is hidden, ρ. */
    DECISION
  }

  /** Checks the ranges above. */
  public GateGuarantee {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    Require.openProbability(alpha, "alpha");
    Require.atLeast(units, 1, "units");
    Require.atLeast(hidden, units, "hidden");
    Require.inRange(accepted, 0, hidden, "accepted");
    Require.probability(pValue, "pValue");
  }
}
