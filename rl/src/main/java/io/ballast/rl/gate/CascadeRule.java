package io.ballast.rl.gate;

/**
 * What the two stages hide together, without exploration: the one rule that thresholds are fitted
 * for, that a report measures and that serving walks.
 *
 * <pre>
 * stage 1: H(p₁) ≥ refer entropy → refer;  p₁ &lt; threshold₁ → withhold;  else pass
 * stage 2, of what is referred (with a second look also of what is passed):
 *                                          p₂ &lt; threshold₂ → withhold;  else pass
 * </pre>
 *
 * <p>Source: Mozannar et al. 2024 (CDHF), arXiv:2306.04930. Its code shows what stage 1 passes
 * unseen by stage 2, its overview figure draws stage 2 after every generation: lines that were
 * fitted for one reading promise nothing of the other.
 *
 * @param thresholds where the lines are
 * @param secondLook whether stage 2 judges what stage 1 passes too
 */
public record CascadeRule(GateThresholds thresholds, boolean secondLook) {
  /** Hides nothing. */
  public static CascadeRule open() {
    return new CascadeRule(GateThresholds.open(), true);
  }

  /** What stage 1 decides: PASS, REFER or WITHHOLD. */
  public GateOutcome stageOne(double acceptProbability) {
    if (BinaryEntropy.bits(acceptProbability) >= thresholds.referEntropyBits()) {
      return GateOutcome.REFER;
    }
    return acceptProbability < thresholds.stageOne() ? GateOutcome.WITHHOLD : GateOutcome.PASS;
  }

  /** What stage 2 decides: PASS or WITHHOLD. */
  public GateOutcome stageTwo(double acceptProbability) {
    return acceptProbability < thresholds.stageTwo() ? GateOutcome.WITHHOLD : GateOutcome.PASS;
  }

  /** Whether stage 2 judges what stage 1 decided so. An explored one is shown unseen. */
  public boolean needsSecondLook(GateOutcome stageOne) {
    return switch (stageOne) {
      case REFER -> true;
      case PASS -> secondLook;
      case EXPLORE, WITHHOLD -> false;
    };
  }

  /** Whether a suggestion with these probabilities of acceptance is not shown. */
  public boolean hides(GateExample example) {
    GateOutcome first = stageOne(example.stageOne());
    return first == GateOutcome.WITHHOLD
        || (needsSecondLook(first) && stageTwo(example.stageTwo()) == GateOutcome.WITHHOLD);
  }
}
