package io.ballast.safety.core.safetytest;

import io.ballast.inference.store.DigestIndex;
import io.ballast.kit.call.PinnedVersion;
import java.util.Optional;

/** Tells from which labels a cost model learned. */
@FunctionalInterface
public interface LearnedLabels {
  /**
   * Returns the index of its labels; empty if its folder says nothing of them, or is not here.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if there is one that cannot be read
   */
  Optional<DigestIndex> of(PinnedVersion model);
}
