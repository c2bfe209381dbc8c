package io.ballast.kit.security;

import java.time.Instant;

/**
 * Who somebody is, and how long what they showed proves it.
 *
 * @param until before when it does, what clocks may differ included; {@link Instant#MAX}: for good
 */
public record Known(Principal principal, Instant until) {
  /** Known by what does not expire. */
  static Known forGood(Principal principal) {
    return new Known(principal, Instant.MAX);
  }

  /** Whether it expires at all. */
  public boolean expires() {
    return until.isBefore(Instant.MAX);
  }
}
