package io.ballast.orchestrator.core.peer;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.VersionRegistry;
import io.ballast.orchestrator.core.Versions;

/** The policy-server's versions and aliases. */
public interface PolicyVersions extends Versions, VersionRegistry {
  /**
   * Points an alias to a candidate if it still points to the base. Idempotent by its key.
   *
   * @throws io.ballast.kit.error.MeshException VERSION_CONFLICT if the alias moved on;
   *     SAFETY_GATE_CLOSED if the certificate does not hold; DEPENDENCY_DOWN
   */
  void promote(Promotion promotion);

  /**
   * A promotion by compare-and-set.
   *
   * @param tenant on whose behalf
   * @param key the idempotency key
   * @param alias which
   * @param base what it must point to now
   * @param candidate what it shall point to
   * @param certificateId what allows it
   */
  record Promotion(
      String tenant,
      String key,
      String alias,
      PinnedVersion base,
      PinnedVersion candidate,
      String certificateId) {}
}
