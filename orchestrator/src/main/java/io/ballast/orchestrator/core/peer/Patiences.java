package io.ballast.orchestrator.core.peer;

/**
 * How patiently each of the others is called; each has its own budget.
 *
 * @param gold the reward-server where it is asked for gold, which a run can do without
 */
public record Patiences(
    Patience policyServer,
    Patience rewardServer,
    Patience safetyServer,
    Patience gold,
    Patience database) {}
