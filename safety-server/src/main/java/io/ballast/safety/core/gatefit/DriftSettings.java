package io.ballast.safety.core.gatefit;

import java.time.Duration;

/**
 * How it is watched whether what gates say comes true.
 *
 * @param interval between two looks; zero: it is not watched
 * @param window weeks that are older count no more
 * @param alpha the probability of an alarm about a week while nothing has changed, of all tenants
 *     together, above 0, below 1
 */
public record DriftSettings(Duration interval, Duration window, double alpha) {}
