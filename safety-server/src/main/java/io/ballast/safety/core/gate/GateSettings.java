package io.ballast.safety.core.gate;

/**
 * How the gate decides.
 *
 * @param context the model of stage 1
 * @param suggestion the model of stage 2
 * @param maxTextBytes longer prompts and suggestions are refused, in UTF-8
 * @param explains whether every decision says what moved it most; replayed ones always do
 */
public record GateSettings(
    GateChoice context, GateChoice suggestion, int maxTextBytes, boolean explains) {}
