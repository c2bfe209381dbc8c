package io.ballast.orchestrator.core.run;

import org.jspecify.annotations.Nullable;

/**
 * What an iteration says of a constraint.
 *
 * @param name of the constraint
 * @param meanCost mean harm probability of the iteration's completions
 * @param bound what the multiplier reacted to: the pessimistic bound, or the moving mean; null
 *     without a multiplier
 * @param lambda the price after the iteration; null with the constraint off
 * @param target that {@code bound} is held against; null without a multiplier
 * @param atCap whether λ is at its cap although {@code bound} is over {@code target}
 */
public record ConstraintReading(
    String name,
    double meanCost,
    @Nullable Double bound,
    @Nullable Double lambda,
    @Nullable Double target,
    boolean atCap) {}
