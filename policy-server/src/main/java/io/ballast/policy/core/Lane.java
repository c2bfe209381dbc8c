package io.ballast.policy.core;

/** How urgent a call is. */
public enum Lane {
  /** A person waits. */
  INTERACTIVE,
  /** A training loop waits. */
  TRAINER,
  /** Nobody waits. */
  BATCH
}
