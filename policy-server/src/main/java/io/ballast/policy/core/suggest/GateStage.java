package io.ballast.policy.core.suggest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.feedback.Payload;
import org.jspecify.annotations.Nullable;

/**
 * What one stage of the display gate said.
 *
 * @param outcome the decision
 * @param acceptProbability calibrated, 0 to 1
 * @param threshold the probability below which this stage withholds, 0 to 1
 * @param entropyBits the binary entropy of the probability, 0 to 1
 * @param referEntropy the entropy at and above which stage 1 refers; 0 in stage 2
 * @param propensity the probability of this outcome, above 0 and at most 1
 * @param gateModel the gate model that answered
 * @param otherModel the model of the other stage that it was proven with; absent if it does not say
 * @param skipsStageTwo whether what stage 1 passed is shown without stage 2
 * @param answer all that it said, as it is recorded and passed on
 */
public record GateStage(
    Outcome outcome,
    double acceptProbability,
    double threshold,
    double entropyBits,
    double referEntropy,
    double propensity,
    PinnedVersion gateModel,
    @Nullable PinnedVersion otherModel,
    boolean skipsStageTwo,
    Payload answer) {
  /** Whether this, of stage 1, and {@code two}, of stage 2, can be of one gate. */
  boolean isOfOneGateWith(GateStage two) {
    return (otherModel == null || otherModel.equals(two.gateModel))
        && (two.otherModel == null || two.otherModel.equals(gateModel));
  }

  /** What a stage decides. */
  public enum Outcome {
    /** Go on. */
    PASS,
    /** Withhold. */
    WITHHOLD,
    /** Not sure: let stage 2 decide. */
    REFER,
    /** It would withhold, but lets this one through to go on learning. */
    EXPLORE
  }
}
