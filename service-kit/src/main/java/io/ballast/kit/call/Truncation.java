package io.ballast.kit.call;

/**
 * What becomes of a prompt that is longer than the model that judges a completion sees. A
 * completion is never cut: what its beginning is worth says nothing of the whole.
 */
public enum Truncation {
  /** The item is refused. */
  REFUSE,
  /** The prompt's last tokens are kept, those that stand before the completion. */
  KEEP_LAST,
  /** The prompt's first tokens are kept. */
  KEEP_FIRST
}
