package io.ballast.policy.core;

/** Whether the caller still waits: false once it has left or its deadline has passed. */
public interface CallCancellation {
  /** Whether nobody waits for the answer any more. */
  boolean cancelled();

  /**
   * Runs {@code action} once when nobody waits any more, or at once if that is so already; on the
   * thread that notices, so it must not block.
   */
  void onCancel(Runnable action);

  /** A caller that waits for ever. */
  static CallCancellation never() {
    return new CallCancellation() {
      @Override
      public boolean cancelled() {
        return false;
      }

      @Override
      public void onCancel(Runnable action) {}
    };
  }
}
