package io.ballast.inference.torch;

/**
 * How long a step takes of a row that shares it with no other, as the steps so far tell. More rows
 * make no step quicker: one that took less lowers what is known at once by half of the difference,
 * also under load, and only a step of a single row raises it, slowly. A row that is alone is held
 * up by nobody, however long its context makes its steps. For the engine's thread.
 */
final class LoneStep {
  private static final double FALL = 0.5;
  private static final double RISE = 1.0 / 32;

  private double nanos = Double.POSITIVE_INFINITY;
  private boolean shared;

  /**
   * A step begins.
   *
   * @param shared whether it is of more than one row's token
   */
  void begins(boolean shared) {
    this.shared = shared;
  }

  /** The step that has begun last drew a token and took so long. */
  void took(long time) {
    if (Double.isInfinite(nanos)) {
      nanos = time;
    } else if (time < nanos) {
      nanos += FALL * (time - nanos);
    } else if (!shared) {
      nanos += RISE * (time - nanos);
    }
  }

  /**
   * How much longer than alone a row took that took so long for the token of this step, never
   * negative; 0 in a step of its own, and before any step.
   */
  long beyond(long time) {
    return shared ? Math.round(Math.max(0, time - nanos)) : 0;
  }
}
