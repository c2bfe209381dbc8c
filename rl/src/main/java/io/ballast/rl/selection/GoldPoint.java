package io.ballast.rl.selection;

import io.ballast.rl.check.Require;

/**
 * A point of a gold curve.
 *
 * @param distance d = √KL, in √nats, 0 to 1,000,000
 * @param gold gold reward less its mean under the first policy, −1e100 to 1e100
 */
public record GoldPoint(double distance, double gold) {
  /** Beyond it the squares that a fit adds up could overflow. */
  public static final double MAX_GOLD = 1e100;

  /** The greatest distance. */
  public static final double MAX_DISTANCE = 1e6;

  /** Checks the ranges above. */
  public GoldPoint {
    Require.inRange(distance, 0, MAX_DISTANCE, "distance");
    Require.inRange(gold, -MAX_GOLD, MAX_GOLD, "gold");
  }
}
