package io.ballast.loadtest.openloop;

/**
 * How a call ended.
 *
 * @param kind whether it was answered as asked
 * @param label what it was answered with, such as SHOW, or why it failed, such as UNAVAILABLE
 * @param degradations parts of the answer that are said to be missing, at least 0
 */
public record Outcome(Kind kind, String label, int degradations) {
  /** What an answer is worth. */
  public enum Kind {
    /** As asked. */
    ANSWERED,
    /** There, but not what it must be. */
    WRONG,
    /** None. */
    FAILED
  }

  /** An answer. */
  public static Outcome answered(String label) {
    return answered(label, 0);
  }

  /** An answer of which so many parts are said to be missing. */
  public static Outcome answered(String label, int degradations) {
    return new Outcome(Kind.ANSWERED, label, degradations);
  }

  /** An answer that cannot be right, with what it violates. */
  public static Outcome wrong(String label) {
    return new Outcome(Kind.WRONG, label, 0);
  }

  /** A failure. */
  public static Outcome failed(String label) {
    return new Outcome(Kind.FAILED, label, 0);
  }

  /** Whether it was answered as asked. */
  public boolean succeeded() {
    return kind == Kind.ANSWERED;
  }
}
