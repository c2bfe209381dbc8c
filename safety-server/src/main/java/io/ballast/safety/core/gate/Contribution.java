package io.ballast.safety.core.gate;

/**
 * How much one number moved a stage's estimate.
 *
 * @param feature its name
 * @param value what it was; NaN: missing
 * @param logOdds what it added to the log-odds, before calibration
 */
public record Contribution(String feature, float value, double logOdds) {}
