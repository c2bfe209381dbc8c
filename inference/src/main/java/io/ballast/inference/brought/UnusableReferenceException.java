package io.ballast.inference.brought;

/** No scale can be made of reference answers; the message says why. */
public final class UnusableReferenceException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  UnusableReferenceException(String message) {
    super(message);
  }
}
