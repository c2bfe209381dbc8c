package io.ballast.loadtest.scenario;

/** How urgently is asked. */
public enum Lane {
  /** A person waits. */
  INTERACTIVE,
  /** A training loop waits. */
  TRAINER,
  /** Nobody waits. */
  BATCH
}
