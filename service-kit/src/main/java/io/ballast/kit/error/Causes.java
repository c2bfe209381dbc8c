package io.ballast.kit.error;

/** What failures come from. */
public final class Causes {
  /** No real failure has so many causes behind each other; a circle of them has no end. */
  private static final int DEEPEST = 100;

  private Causes() {}

  /**
   * Returns what began a failure, which is the failure itself if nothing else did; of causes that
   * go round in a circle, one of them.
   */
  public static Throwable first(Throwable failure) {
    Throwable first = failure;
    for (int depth = 0; depth < DEEPEST; depth++) {
      Throwable cause = first.getCause();
      if (cause == null) {
        return first;
      }
      first = cause;
    }
    return first;
  }
}
