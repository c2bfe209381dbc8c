package io.ballast.orchestrator.core.peer;

/**
 * How patiently each of the others is called; each has its own budget.
 *
 * @param gold the reward-server and the safety-server where they are asked for what a run can do
 *     without: gold, and harm that is only measured
 */
public record Patiences(
    Patience policyServer,
    Patience rewardServer,
    Patience safetyServer,
    Patience gold,
    Patience database) {}
