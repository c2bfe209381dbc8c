package io.ballast.safety.core.gate;

/** Where gate models come from. Thread-safe. */
public interface GateSource {
  /** Whether there is a folder of this name and version. */
  boolean exists(String name, String version);

  /**
   * Loads a gate model.
   *
   * @throws io.ballast.kit.error.MeshException CORRUPT_WEIGHTS if a checksum differs, UNKNOWN_MODEL
   *     if a file is missing or is not what it should be
   */
  AcceptModel open(String name, String version);
}
