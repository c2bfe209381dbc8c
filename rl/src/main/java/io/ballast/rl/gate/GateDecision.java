package io.ballast.rl.gate;

/**
 * The decision of one stage with everything that it rests on.
 *
 * @param outcome the decision
 * @param reason why
 * @param acceptProbability the estimated probability of acceptance, 0 to 1
 * @param threshold the probability below which this stage withholds, 0 to 1
 * @param entropyBits of {@code acceptProbability}, 0 to 1
 * @param referEntropyBits where stage 1 refers; 0 in stage 2
 * @param propensity the probability of this outcome given the probabilities, above 0, at most 1
 */
public record GateDecision(
    GateOutcome outcome,
    GateReason reason,
    double acceptProbability,
    double threshold,
    double entropyBits,
    double referEntropyBits,
    double propensity) {
  /** Whether the way goes on: everything but {@link GateOutcome#WITHHOLD}. */
  public boolean lets() {
    return switch (outcome) {
      case PASS, REFER, EXPLORE -> true;
      case WITHHOLD -> false;
    };
  }
}
