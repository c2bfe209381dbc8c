package io.ballast.policy.core.suggest;

/** A decision and why it is what it is. */
public record Ruling(Decision decision, DecisionReason reason) {}
