package io.ballast.inference.schedule;

import io.ballast.kit.call.Lane;
import java.time.Duration;

/**
 * What rows may take together.
 *
 * @param maxRows rows that run side by side, ≥ 1
 * @param maxQueuedRows rows that may wait, ≥ 0; more are refused
 * @param bytes of keys and values of all rows that run, ≥ 1
 * @param trainerPatience after so long in the queue a trainer's row is overdue
 * @param batchPatience after so long in the queue a batch row is overdue
 */
public record ScheduleLimits(
    int maxRows, int maxQueuedRows, long bytes, Duration trainerPatience, Duration batchPatience) {
  public ScheduleLimits {
    if (maxRows < 1 || maxQueuedRows < 0 || bytes < 1) {
      throw new IllegalArgumentException(
          "limits: %,d rows, %,d queued, %,d bytes (expected: ≥ 1, ≥ 0, ≥ 1)"
              .formatted(maxRows, maxQueuedRows, bytes));
    }
    if (trainerPatience.isNegative() || batchPatience.isNegative()) {
      throw new IllegalArgumentException(
          "patience: %s, %s (expected: ≥ 0)".formatted(trainerPatience, batchPatience));
    }
  }

  /** The rows that overdue work may hold at a time: an eighth of all, at least one. */
  int overdueRows() {
    return Math.max(1, maxRows / 8);
  }

  /** How long a row of a lane waits before it is overdue; the first lane never is. */
  long patienceNanos(Lane lane) {
    return switch (lane) {
      case INTERACTIVE -> Long.MAX_VALUE;
      case TRAINER -> trainerPatience.toNanos();
      case BATCH -> batchPatience.toNanos();
    };
  }
}
