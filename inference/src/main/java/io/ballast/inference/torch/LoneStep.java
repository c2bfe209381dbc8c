package io.ballast.inference.torch;

/**
 * How long a step takes of a row that shares it with no other, as the steps so far tell. More rows
 * make no step quicker: one that took less lowers what is known at once by half of the difference,
 * also under load, and only a step of a single row raises it, slowly. For the engine's thread.
 */
final class LoneStep {
  private static final double FALL = 0.5;
  private static final double RISE = 1.0 / 32;

  private double nanos = Double.POSITIVE_INFINITY;

  /** A step that drew for so many rows took so long. */
  void took(int rows, long time) {
    if (Double.isInfinite(nanos)) {
      nanos = time;
    } else if (time < nanos) {
      nanos += FALL * (time - nanos);
    } else if (rows == 1) {
      nanos += RISE * (time - nanos);
    }
  }

  /** How much longer than alone a row took that took so long, never negative; 0 before any step. */
  long beyond(long time) {
    return Math.round(Math.max(0, time - nanos));
  }
}
