package io.ballast.workshop.programmer;

/** What a programmer did with a suggestion. */
public enum Outcome {
  /** Took it as it was. */
  ACCEPTED,
  /** Kept its beginning and wrote the rest. */
  EDITED,
  /** Kept nothing. */
  REJECTED
}
