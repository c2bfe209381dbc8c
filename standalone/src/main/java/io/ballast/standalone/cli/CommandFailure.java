package io.ballast.standalone.cli;

/** A failure as a person reads it: one line that says what is wrong, and how to mend it. */
public final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Exit exit;
  private final String reason;

  /**
   * A failure.
   *
   * @param reason a name for machines, such as {@code UNAVAILABLE}
   * @param line for people: what is wrong; the mend
   */
  public CommandFailure(Exit exit, String reason, String line) {
    super(line);
    this.exit = exit;
    this.reason = reason;
  }

  /** How the command ends. */
  public Exit exit() {
    return exit;
  }

  /** A name for machines. */
  public String reason() {
    return reason;
  }

  /** The line for people. */
  public String line() {
    String message = getMessage();
    return message == null ? reason : message;
  }
}
