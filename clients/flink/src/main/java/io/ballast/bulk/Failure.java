package io.ballast.bulk;

/**
 * Why there is no number.
 *
 * @param reason such as {@code TOO_LONG}: the mesh's FailureReason, or {@code UNAVAILABLE}
 * @param message one sentence for a person
 */
public record Failure(String reason, String message) {
  /** A line that says nothing to score. */
  static final String INVALID_INPUT = "INVALID_INPUT";

  /** More than a message or a model takes. */
  static final String TOO_LONG = "TOO_LONG";
}
