package io.ballast.inference.onnx;

/**
 * Why a completion or text has no numbers. Its siblings are not concerned.
 *
 * @param reason which rule was broken
 * @param detail the offending value and the limit, for a person
 */
public record Refusal(Reason reason, String detail)
    implements ScoreOutcome, FeatureOutcome, EncodingOutcome {
  /** Which rule was broken. */
  public enum Reason {
    /** The prompt, completion or text has no tokens. */
    EMPTY,
    /**
     * The completion leaves no place in the context for even one token of its prompt, or the text
     * is longer than the encoder reads.
     */
    TOO_LONG,
    /** A token id is outside the vocabulary. */
    INVALID_TOKEN,
    /** The model's number is not finite. */
    NOT_FINITE
  }
}
