package io.ballast.orchestrator.core;

import io.ballast.kit.call.PinnedVersion;

/** Knows which version a selector means. */
@FunctionalInterface
public interface Versions {
  /**
   * Returns the version that {@code selector} means now.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if there is none; DEPENDENCY_DOWN
   */
  PinnedVersion resolve(VersionSelector selector);
}
