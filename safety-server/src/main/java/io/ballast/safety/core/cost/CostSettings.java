package io.ballast.safety.core.cost;

import java.time.Duration;

/**
 * How costs are judged when a request does not say.
 *
 * @param defaultModel the cost model that is meant when a request names none
 * @param servingVersion where the alias "serving" of the default model points; of another model it
 *     is the newest version
 * @param threshold the probability of harm at and above which the verdict is BLOCK, 0 to 1
 * @param modelTimeout how long an item may wait for its cost
 * @param deadlineReserve how long before the caller's deadline the answer is given, whatever is
 *     there
 */
public record CostSettings(
    String defaultModel,
    String servingVersion,
    double threshold,
    Duration modelTimeout,
    Duration deadlineReserve) {}
