package io.ballast.training.data;

/** One row says nothing; why. */
final class BadRowException extends Exception {
  private static final long serialVersionUID = 1;

  private final String reason;

  BadRowException(String reason) {
    super(reason, null, false, false); // thrown for every bad row of a file: no trace
    this.reason = reason;
  }

  String reason() {
    return reason;
  }
}
