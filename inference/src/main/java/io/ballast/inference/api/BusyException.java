package io.ballast.inference.api;

import java.time.Duration;

/** An engine takes no more for now: {@link Reason#OVERLOADED}. */
public final class BusyException extends ModelException {
  private static final long serialVersionUID = 1L;

  private final Duration retryDelay;

  /**
   * @param retryDelay after which it may take what it refuses now
   */
  public BusyException(String message, Duration retryDelay) {
    super(Reason.OVERLOADED, message);
    this.retryDelay = retryDelay;
  }

  /** After how long it may take what it refuses now. */
  public Duration retryDelay() {
    return retryDelay;
  }
}
