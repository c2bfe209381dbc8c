package io.ballast.orchestrator.core;

import io.ballast.kit.call.PinnedVersion;

/** Makes published versions known to whoever serves them. */
@FunctionalInterface
public interface VersionRegistry {
  /**
   * Makes a published version known, so that it can be sampled from. Idempotent.
   *
   * @param runId the run that made it; may be empty
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS, UNKNOWN_MODEL, ALREADY_EXISTS,
   *     DEPENDENCY_DOWN
   */
  void register(String tenant, PinnedVersion version, String parentVersion, String runId);
}
