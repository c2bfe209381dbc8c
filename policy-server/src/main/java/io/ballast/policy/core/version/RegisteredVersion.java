package io.ballast.policy.core.version;

import io.ballast.kit.call.PinnedVersion;
import java.time.Instant;

/**
 * One version of the policy that the mesh knows. Never changes.
 *
 * @param id which
 * @param parentVersion the version that it was trained from; empty for one from outside
 * @param runId the run that made it; empty for one from outside
 * @param registeredAt when
 * @param parametersCount at least 1
 * @param contextTokens the most tokens of prompt and completion together
 */
public record RegisteredVersion(
    PinnedVersion id,
    String parentVersion,
    String runId,
    Instant registeredAt,
    long parametersCount,
    int contextTokens) {}
