package io.ballast.safety.core.gate;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.gate.GateDecision;

/**
 * A stage's decision and the model that it rests on.
 *
 * @param skipsStageTwo whether what stage 1 lets through is shown without stage 2; false in stage 2
 */
public record GateAnswer(GateDecision decision, PinnedVersion model, boolean skipsStageTwo) {}
