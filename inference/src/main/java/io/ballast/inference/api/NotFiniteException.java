package io.ballast.inference.api;

/**
 * A number of weights in training, or one that they make, is not finite: {@link
 * ModelException.Reason#BROKEN}, by what the weights or their gradients are and not by an engine
 * that failed. Whoever trains them is to blame, or what they are trained on.
 */
public final class NotFiniteException extends ModelException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message names the number: {@code gradient norm: Infinity (expected: finite)}
   */
  public NotFiniteException(String message) {
    super(Reason.BROKEN, message);
  }
}
