package io.ballast.rl.stats;

import io.ballast.rl.check.Require;

/**
 * An alarm as data: what was seen, and the limit that it passed.
 *
 * @param kind what
 * @param observed finite
 * @param limit finite
 */
public record Alarm(AlarmKind kind, double observed, double limit) {
  /** Checks the ranges above. */
  public Alarm {
    Require.finite(observed, "observed");
    Require.finite(limit, "limit");
  }
}
