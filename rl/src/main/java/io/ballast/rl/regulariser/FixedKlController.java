package io.ballast.rl.regulariser;

import io.ballast.rl.check.Require;

/**
 * A KL coefficient that stays.
 *
 * @param coefficient β ≥ 0
 */
public record FixedKlController(double coefficient) implements KlController {
  /** Checks the range above. */
  public FixedKlController {
    Require.notNegative(coefficient, "coefficient");
  }

  @Override
  public FixedKlController step(double kl, int samplesCount) {
    Require.finite(kl, "kl");
    Require.atLeast(samplesCount, 0, "samplesCount");
    return this;
  }
}
