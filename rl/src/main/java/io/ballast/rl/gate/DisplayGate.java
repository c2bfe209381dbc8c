package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * The two-stage display gate: whether to generate, then whether to show. It walks a {@link
 * CascadeRule}; a withholding stage lets an exploration share ε through.
 *
 * <p>Source: Mozannar et al. 2024 (CDHF), arXiv:2306.04930, in the cascade of its code. Differs:
 * entropy is 0, not NaN, at p = 0 and 1; whether stage 2 also sees what stage 1 passed is a switch
 * of the rule; exploration, so that labels of withheld suggestions exist at all. Pure: the same
 * probabilities and draw yield the same decision.
 *
 * @param rule what is withheld
 * @param explorationShare ε, 0 to 1: the share of what would be withheld that is let through
 */
public record DisplayGate(CascadeRule rule, double explorationShare) {
  /** Checks the range above. */
  public DisplayGate {
    Require.probability(explorationShare, "explorationShare");
  }

  /**
   * Stage 1, before anything is generated.
   *
   * @param acceptProbability p₁ from the context alone, calibrated, 0 to 1
   * @param draw uniform on [0, 1); explores if below the exploration share
   */
  public GateDecision decideGeneration(double acceptProbability, double draw) {
    checkDraw(acceptProbability, draw);
    GateThresholds thresholds = rule.thresholds();
    return decision(
        rule.stageOne(acceptProbability),
        acceptProbability,
        thresholds.stageOne(),
        thresholds.referEntropyBits(),
        draw,
        GateReason.CONTEXT_LIKELY_ACCEPTED,
        GateReason.CONTEXT_LIKELY_REJECTED);
  }

  /**
   * Stage 2, once there is a suggestion. Ask {@link #needsSecondLook} first.
   *
   * @param acceptProbability p₂ from context and suggestion, calibrated, 0 to 1
   * @param draw uniform on [0, 1), not the draw of stage 1
   */
  public GateDecision decideDisplay(double acceptProbability, double draw) {
    checkDraw(acceptProbability, draw);
    return decision(
        rule.stageTwo(acceptProbability),
        acceptProbability,
        rule.thresholds().stageTwo(),
        0,
        draw,
        GateReason.SUGGESTION_LIKELY_ACCEPTED,
        GateReason.SUGGESTION_LIKELY_REJECTED);
  }

  /** Whether stage 2 has to judge what stage 1 decided so. An explored one is shown unseen. */
  public boolean needsSecondLook(GateOutcome stageOne) {
    return rule.needsSecondLook(stageOne);
  }

  /** The probability that both outcomes fell as they did: the product of the propensities. */
  public static double propensity(GateDecision stageOne, GateDecision stageTwo) {
    return stageOne.propensity() * stageTwo.propensity();
  }

  private GateDecision decision(
      GateOutcome ruled,
      double p,
      double threshold,
      double refer,
      double draw,
      GateReason likelyAccepted,
      GateReason likelyRejected) {
    boolean explores = ruled == GateOutcome.WITHHOLD && draw < explorationShare;
    GateOutcome outcome = explores ? GateOutcome.EXPLORE : ruled;
    GateReason reason =
        switch (outcome) {
          case PASS -> likelyAccepted;
          case REFER -> GateReason.CONTEXT_UNCERTAIN;
          case WITHHOLD -> likelyRejected;
          case EXPLORE -> GateReason.EXPLORATION;
        };
    double propensity =
        switch (outcome) {
          case PASS, REFER -> 1;
          case WITHHOLD -> 1 - explorationShare;
          case EXPLORE -> explorationShare;
        };
    return new GateDecision(
        outcome, reason, p, threshold, BinaryEntropy.bits(p), refer, propensity);
  }

  private static void checkDraw(double acceptProbability, double draw) {
    Require.probability(acceptProbability, "acceptProbability");
    if (!(draw >= 0 && draw < 1)) {
      throw new IllegalArgumentException("draw: " + draw + " (expected: >= 0, below 1)");
    }
  }
}
