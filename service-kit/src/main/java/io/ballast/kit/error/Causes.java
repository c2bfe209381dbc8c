package io.ballast.kit.error;

/** What failures come from. */
public final class Causes {
  private Causes() {}

  /** Returns what began a failure, which is the failure itself if nothing else did. */
  public static Throwable first(Throwable failure) {
    Throwable first = failure;
    for (Throwable next = failure; next != null; next = next.getCause()) {
      first = next;
    }
    return first;
  }
}
