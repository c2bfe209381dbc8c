package io.ballast.safety.core.gate;

import io.ballast.kit.call.PinnedVersion;

/** A loaded gate model. Thread-safe. */
public interface AcceptModel extends AutoCloseable {
  /** Its name, version and checksum. */
  PinnedVersion id();

  /** SHA-256 of its folder: trees, lines and calibration. */
  String folderSha256();

  /** What its folder says. */
  GateSpec spec();

  /** Whether the trees ask for the feature at {@code index} of the vector. */
  boolean asksFor(int index);

  /**
   * Returns the trees' log-odds of acceptance, not yet calibrated.
   *
   * @param features shape [features of the stage]; NaN is missing
   */
  double logOdds(float[] features);

  /**
   * Returns what each feature adds to the log-odds (SHAP), and last the trees' mean: all together
   * they are the log-odds, to the rounding of single precision.
   *
   * @param features shape [features of the stage]; NaN is missing
   * @return shape [features of the stage + 1], a new array
   */
  double[] contributions(float[] features);

  @Override
  void close();
}
