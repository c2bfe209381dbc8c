package io.ballast.inference.scoring;

import io.ballast.kit.call.PinnedVersion;
import java.util.Optional;
import java.util.OptionalInt;

/** One version of a model that scores completions, as its server describes it. */
public interface ScoringModel {
  /** Name, version, checksum of the heads. */
  PinnedVersion id();

  /**
   * The most prompt tokens that it was trained to see; 0: all; empty: it does not say, and the
   * server's rule holds.
   */
  OptionalInt promptTokens();

  /** The tenant that trained it for itself; to others it is not there. Empty: it is everybody's. */
  default Optional<String> owner() {
    return Optional.empty();
  }
}
