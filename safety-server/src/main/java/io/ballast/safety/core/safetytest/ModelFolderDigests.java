package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;

/** Tells one model folder from another with the same weights. */
@FunctionalInterface
public interface ModelFolderDigests {
  /**
   * SHA-256 over the names and checksums of all files of the folder that {@code version} lies in,
   * calibration and tokenizer among them; empty if there is no such folder here.
   */
  String sha256(PinnedVersion version);
}
