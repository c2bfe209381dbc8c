package io.ballast.orchestrator.core.spec;

/**
 * When a run stops before its last iteration, with the candidate that it has.
 *
 * @param maxKl KL(π ‖ π_ref) of a completion, nats, &gt; 0
 * @param klNamed whether the spec says so itself; then every iteration is compared with it
 * @param spread how far it may grow; a reward that tells none stops no run by it
 */
public record StopSpec(double maxKl, boolean klNamed, SpreadLimit spread) {}
