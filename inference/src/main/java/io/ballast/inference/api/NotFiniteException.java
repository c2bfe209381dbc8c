package io.ballast.inference.api;

/**
 * A weight, a gradient or what weights say of tokens is not finite: {@link
 * ModelException.Reason#BROKEN}, by what the numbers are and not by an engine that failed. Of
 * weights in training whoever trains them is to blame, or what they are trained on.
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
