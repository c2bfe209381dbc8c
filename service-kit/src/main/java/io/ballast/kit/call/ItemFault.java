package io.ballast.kit.call;

/**
 * Why one item of a batch has no value.
 *
 * @param reason what kind
 * @param message one sentence for a person, with the field's path and values
 */
public record ItemFault(Reason reason, String message) {
  /** What kind of failure an item met. */
  public enum Reason {
    INVALID_INPUT,
    TOO_LONG,
    DEADLINE,
    OVERLOADED,
    MODEL_ERROR,
    QUORUM_LOST,
    CANCELLED
  }
}
