package io.ballast.orchestrator.core.spec;

/**
 * How far the spread of a reward's members may grow.
 *
 * @param growth times the spread of the first iteration, ≥ 1
 * @param named whether the spec says so itself; one that does cannot have a reward that tells no
 *     spread
 */
public record SpreadLimit(double growth, boolean named) {}
