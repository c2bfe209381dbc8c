package io.ballast.rl.regulariser;

/** How a KL coefficient β moves from update to update. Immutable: a step returns the next one. */
public sealed interface KlController permits FixedKlController, AdaptiveKlController {
  /** β of the next update, ≥ 0. */
  double coefficient();

  /**
   * Returns the controller after an update.
   *
   * @param kl the estimate of KL(π ‖ π_ref) seen, nats, finite
   * @param samplesCount completions in the update, ≥ 0
   */
  KlController step(double kl, int samplesCount);
}
