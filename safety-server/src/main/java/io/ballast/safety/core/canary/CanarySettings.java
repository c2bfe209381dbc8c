package io.ballast.safety.core.canary;

import java.time.Duration;
import java.util.OptionalDouble;

/**
 * How canaries are watched, as it is fixed for each when it is first seen.
 *
 * @param watch whether they are
 * @param interval between two looks
 * @param alpha the probability of a false alarm over a whole canary, above 0, below 1
 * @param costLimit the mean cost that a canary shall not be over, 0 to below 1; empty: the
 *     threshold of its certificate
 * @param acceptMargin how far its accept rate may be under the control's, 0 to below 1
 * @param leastDecisions costs without which nothing is held, ≥ 1
 * @param horizon after which a canary without a breach counts as held
 * @param whenHeld what becomes of it then
 * @param feedbackWait how old a decision is when its feedback is looked at
 * @param maxBlind how long a watch may see nothing before the canary is rolled back
 */
public record CanarySettings(
    boolean watch,
    Duration interval,
    double alpha,
    OptionalDouble costLimit,
    double acceptMargin,
    int leastDecisions,
    Duration horizon,
    WhenHeld whenHeld,
    Duration feedbackWait,
    Duration maxBlind) {}
