package io.ballast.safety.core.gate;

import io.ballast.kit.call.PinnedVersion;

/** A loaded gate model. Thread-safe. */
public interface AcceptModel extends AutoCloseable {
  /** Its name, version and checksum. */
  PinnedVersion id();

  /** What its folder says. */
  GateSpec spec();

  /**
   * Returns the trees' log-odds of acceptance, not yet calibrated.
   *
   * @param features shape [features of the stage], finite
   */
  double logOdds(float[] features);

  @Override
  void close();
}
