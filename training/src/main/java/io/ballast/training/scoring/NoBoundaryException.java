package io.ballast.training.scoring;

/** What is held out does not say where safe and unsafe part; the message says why. */
public final class NoBoundaryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NoBoundaryException(String message) {
    super(message);
  }
}
