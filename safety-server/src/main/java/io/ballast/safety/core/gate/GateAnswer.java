package io.ballast.safety.core.gate;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.gate.GateDecision;

/** A stage's decision and the model that it rests on. */
public record GateAnswer(GateDecision decision, PinnedVersion model) {}
