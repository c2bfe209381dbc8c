package io.ballast.reward.adapter;

import java.util.Optional;

/** Which versions of language models serve. */
@FunctionalInterface
public interface ServingVersions {
  /**
   * The version of {@code model} that its alias "serving" points to; empty: it has no such alias.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if nobody can say
   */
  Optional<String> of(String model);
}
