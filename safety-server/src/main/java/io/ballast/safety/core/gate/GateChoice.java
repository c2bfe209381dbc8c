package io.ballast.safety.core.gate;

/** Which model decides a stage. */
public record GateChoice(String model, String version) {}
