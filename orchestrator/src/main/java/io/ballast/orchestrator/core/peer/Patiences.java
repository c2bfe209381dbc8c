package io.ballast.orchestrator.core.peer;

/** How patiently each of the others is called; each has its own budget. */
public record Patiences(
    Patience policyServer, Patience rewardServer, Patience safetyServer, Patience database) {}
