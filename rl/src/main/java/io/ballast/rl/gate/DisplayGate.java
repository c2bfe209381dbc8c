package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * The two-stage display gate: whether to generate, then whether to show.
 *
 * <pre>
 * stage 1: H(p₁) ≥ refer entropy → refer;  p₁ &lt; threshold₁ → withhold;  else pass
 * stage 2:                                 p₂ &lt; threshold₂ → withhold;  else pass
 * a withholding stage lets an exploration share ε through
 * </pre>
 *
 * <p>Source: Mozannar et al. 2024 (CDHF), arXiv:2306.04930, in the cascade of its code. Differs:
 * entropy is 0, not NaN, at p = 0 and 1; whether stage 2 also sees what stage 1 passed is a switch
 * (the code shows it unseen, the paper's figure does not); exploration, so that labels of withheld
 * suggestions exist at all. Pure: the same probabilities and draw yield the same decision.
 *
 * @param thresholds where the lines are
 * @param explorationShare ε, 0 to 1: the share of what would be withheld that is let through
 * @param secondLookAfterPass whether stage 2 judges what stage 1 passed
 */
public record DisplayGate(
    GateThresholds thresholds, double explorationShare, boolean secondLookAfterPass) {
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
    double entropy = BinaryEntropy.bits(acceptProbability);
    double refer = thresholds.referEntropyBits();
    double threshold = thresholds.stageOne();
    if (entropy >= refer) {
      return new GateDecision(
          GateOutcome.REFER,
          GateReason.CONTEXT_UNCERTAIN,
          acceptProbability,
          threshold,
          entropy,
          refer,
          1);
    }
    return lineDrawn(
        acceptProbability,
        threshold,
        refer,
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
    return lineDrawn(
        acceptProbability,
        thresholds.stageTwo(),
        0,
        draw,
        GateReason.SUGGESTION_LIKELY_ACCEPTED,
        GateReason.SUGGESTION_LIKELY_REJECTED);
  }

  /** Whether stage 2 has to judge what stage 1 decided so. An explored one is shown unseen. */
  public boolean needsSecondLook(GateOutcome stageOne) {
    return switch (stageOne) {
      case REFER -> true;
      case PASS -> secondLookAfterPass;
      case EXPLORE, WITHHOLD -> false;
    };
  }

  /** The probability that both outcomes fell as they did: the product of the propensities. */
  public static double propensity(GateDecision stageOne, GateDecision stageTwo) {
    return stageOne.propensity() * stageTwo.propensity();
  }

  private GateDecision lineDrawn(
      double p,
      double threshold,
      double refer,
      double draw,
      GateReason likelyAccepted,
      GateReason likelyRejected) {
    double entropy = BinaryEntropy.bits(p);
    if (p >= threshold) {
      return new GateDecision(GateOutcome.PASS, likelyAccepted, p, threshold, entropy, refer, 1);
    }
    if (draw < explorationShare) {
      return new GateDecision(
          GateOutcome.EXPLORE,
          GateReason.EXPLORATION,
          p,
          threshold,
          entropy,
          refer,
          explorationShare);
    }
    return new GateDecision(
        GateOutcome.WITHHOLD, likelyRejected, p, threshold, entropy, refer, 1 - explorationShare);
  }

  private static void checkDraw(double acceptProbability, double draw) {
    Require.probability(acceptProbability, "acceptProbability");
    if (!(draw >= 0 && draw < 1)) {
      throw new IllegalArgumentException("draw: " + draw + " (expected: >= 0, below 1)");
    }
  }
}
