package io.ballast.loadtest.openloop;

/**
 * How a call ended.
 *
 * @param succeeded whether it was answered as asked
 * @param label what it was answered with, such as SHOW, or why it failed, such as UNAVAILABLE
 */
public record Outcome(boolean succeeded, String label) {
  /** An answer. */
  public static Outcome answered(String label) {
    return new Outcome(true, label);
  }

  /** A failure. */
  public static Outcome failed(String label) {
    return new Outcome(false, label);
  }
}
