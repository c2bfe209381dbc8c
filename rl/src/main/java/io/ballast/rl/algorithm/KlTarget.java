package io.ballast.rl.algorithm;

import io.ballast.rl.check.Require;
import io.ballast.rl.regulariser.AdaptiveKlController;

/**
 * A KL that the coefficient is moved to: {@link AdaptiveKlController} without its coefficient.
 *
 * @param klNats the mean KL(π ‖ π_ref) of a completion that is aimed at, nats, &gt; 0
 * @param horizonCompletions completions over which a full error acts, &gt; 0
 */
public record KlTarget(double klNats, double horizonCompletions) {
  /** Where nobody says more: that of TRL. */
  public static final double DEFAULT_HORIZON = 10_000;

  /** Checks the ranges above. */
  public KlTarget {
    Require.positive(klNats, "klNats");
    Require.positive(horizonCompletions, "horizonCompletions");
  }

  /**
   * Returns the coefficient after an update.
   *
   * @param coefficient of the update, &gt; 0
   * @param klNats that was seen
   * @param completions of the update, 0 to below 5 · horizon
   */
  double next(double coefficient, double klNats, int completions) {
    return new AdaptiveKlController(coefficient, this.klNats, horizonCompletions)
        .step(klNats, completions)
        .coefficient();
  }
}
