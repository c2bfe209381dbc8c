package io.ballast.standalone.pull;

/** A model could not be brought here. The message says what is wrong, and how to mend it. */
public final class PullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  PullException(String reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** A name for machines, such as {@code NOT_FOUND}. */
  public String reason() {
    return reason;
  }
}
