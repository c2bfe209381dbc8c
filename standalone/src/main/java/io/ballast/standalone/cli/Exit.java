package io.ballast.standalone.cli;

/** How a command ends: the exit codes of {@code ./mesh}. */
public enum Exit {
  /** It did what it was asked to. */
  OK(0),
  /** It failed, or rows of a file cannot be used; standard error says why. */
  FAILED(1),
  /**
   * It was called wrongly, such as with a file that is not there, or the mesh found a value out of
   * its range.
   */
  USAGE(2),
  /** No mesh answers. */
  UNREACHABLE(3),
  /** The mesh said no: blocked, No Solution Found, held, or a precondition does not hold. */
  REFUSED(4);

  private final int code;

  Exit(int code) {
    this.code = code;
  }

  /** The process's exit code. */
  public int code() {
    return code;
  }
}
