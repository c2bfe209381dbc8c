package io.ballast.loadtest.openloop;

/** A clock that one can wait by. */
public interface Pacer {
  /** Nanoseconds on a clock that never goes back; only differences mean something. */
  long nanoTime();

  /** Waits until {@link #nanoTime} is {@code nanos} or later; returns at once if it is. */
  void sleepUntil(long nanos);
}
