package io.ballast.rl.regulariser;

import io.ballast.rl.check.Require;

/**
 * A KL coefficient that follows a target. Immutable: a step returns the next one.
 *
 * <pre>β′ = β·(1 + clip(KL/target − 1, −0.2, 0.2)·n/horizon)</pre>
 *
 * <p>Source: Ziegler et al. 2019, arXiv:1909.08593, in the linear form of TRL and verl.
 *
 * @param coefficient β &gt; 0
 * @param targetKl in nats, measured as {@code kl} will be, &gt; 0
 * @param horizonSamples samples over which a full error acts, &gt; 0
 */
public record AdaptiveKlController(double coefficient, double targetKl, double horizonSamples)
    implements KlController {
  private static final double LARGEST_ERROR = 0.2;

  /** Checks the ranges above. */
  public AdaptiveKlController {
    Require.positive(coefficient, "coefficient");
    Require.positive(targetKl, "targetKl");
    Require.positive(horizonSamples, "horizonSamples");
  }

  /**
   * {@inheritDoc}
   *
   * @param samplesCount below 5·horizon, so that β stays positive
   */
  @Override
  public AdaptiveKlController step(double kl, int samplesCount) {
    Require.finite(kl, "kl");
    Require.inRange(samplesCount, 0, Math.nextDown(5 * horizonSamples), "samplesCount");
    double error = Math.clamp(kl / targetKl - 1, -LARGEST_ERROR, LARGEST_ERROR);
    return new AdaptiveKlController(
        coefficient * (1 + error * samplesCount / horizonSamples), targetKl, horizonSamples);
  }
}
