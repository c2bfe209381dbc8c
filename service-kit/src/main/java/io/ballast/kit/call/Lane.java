package io.ballast.kit.call;

/** Which work goes first; the earlier constant before the later. */
public enum Lane {
  /** A person waits. */
  INTERACTIVE,
  /** A training loop waits. */
  TRAINER,
  /** Nobody waits. */
  BATCH
}
