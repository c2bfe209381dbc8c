package io.ballast.inference.onnx;

/**
 * Why a completion has no score. Its siblings are not concerned.
 *
 * @param reason which rule was broken
 * @param detail the offending value and the limit, for a person
 */
public record Refusal(Reason reason, String detail) implements ScoreOutcome, FeatureOutcome {
  /** Which rule was broken. */
  public enum Reason {
    /** The prompt or the completion has no tokens. */
    EMPTY,
    /** The completion leaves no place in the context for even one token of its prompt. */
    TOO_LONG,
    /** A token id is outside the vocabulary. */
    INVALID_TOKEN,
    /** The model's number is not finite. */
    NOT_FINITE
  }
}
