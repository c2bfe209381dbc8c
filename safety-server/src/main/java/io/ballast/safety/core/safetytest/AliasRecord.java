package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import java.util.Optional;
import java.util.UUID;

/** Who has the moves of aliases on record: the policy-server. */
@FunctionalInterface
public interface AliasRecord {
  /**
   * The move that a certificate has allowed of an alias which does not serve its candidate any
   * more, in words: another is not to be had by it. Empty: it has moved nothing, or what it brought
   * serves, as the alias's version or its canary.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if the policy-server does not answer
   */
  Optional<String> spent(PinnedVersion candidate, String alias, UUID certificateId, String tenant);
}
