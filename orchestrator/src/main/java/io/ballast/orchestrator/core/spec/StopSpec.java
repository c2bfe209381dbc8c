package io.ballast.orchestrator.core.spec;

/**
 * When a run stops before its last iteration, with the candidate that it has.
 *
 * @param maxKl KL(π ‖ π_ref) of a completion, nats, &gt; 0
 * @param maxSpreadGrowth times the members' spread of the first iteration, ≥ 1
 */
public record StopSpec(double maxKl, double maxSpreadGrowth) {}
