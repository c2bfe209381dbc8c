package io.ballast.orchestrator.core.spec;

/**
 * When evaluations end the learning.
 *
 * @param patience how many evaluations in a row may bring no improvement, ≥ 1
 * @param minImprovement what is one: more than so much over the best before, in the reward's unit,
 *     ≥ 0
 */
public record EarlyStopSpec(int patience, double minImprovement) {}
