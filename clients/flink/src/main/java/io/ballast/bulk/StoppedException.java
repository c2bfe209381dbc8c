package io.ballast.bulk;

/** The job cannot go on; its message is for a person. */
final class StoppedException extends Exception {
  private static final long serialVersionUID = 1;

  private final int exitCode;

  StoppedException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** As ./mesh has them: 1 failed, 2 wrong usage, 3 no mesh reached, 4 refused. */
  int exitCode() {
    return exitCode;
  }
}
