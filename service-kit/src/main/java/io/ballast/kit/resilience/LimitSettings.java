package io.ballast.kit.resilience;

import io.ballast.kit.call.Lane;
import java.time.Duration;

/**
 * Between what bounds the calls of a lane that are under way are limited, and by what.
 *
 * @param initial calls of a lane at the start, between the bounds
 * @param least calls of a lane, ≥ 1
 * @param most calls of a lane, ≥ {@code least}
 * @param interactiveWait how long a person's work may wait for its turn on average; more lowers the
 *     limit
 * @param trainerWait the same for a trainer's work
 * @param batchWait the same for batch work
 */
public record LimitSettings(
    int initial,
    int least,
    int most,
    Duration interactiveWait,
    Duration trainerWait,
    Duration batchWait) {
  /** Checks the ranges. */
  public LimitSettings {
    Ranges.require(least >= 1, "least limit", least, "≥ 1");
    Ranges.require(most >= least, "most limit", most, "≥ " + least);
    Ranges.require(
        initial >= least && initial <= most,
        "initial limit",
        initial,
        "%d to %d".formatted(least, most));
    Ranges.require(interactiveWait.isPositive(), "interactive wait", interactiveWait, "> 0");
    Ranges.require(trainerWait.isPositive(), "trainer wait", trainerWait, "> 0");
    Ranges.require(batchWait.isPositive(), "batch wait", batchWait, "> 0");
  }

  /** How long work of a lane may wait for its turn on average. */
  Duration wait(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> interactiveWait;
      case TRAINER -> trainerWait;
      case BATCH -> batchWait;
    };
  }
}
