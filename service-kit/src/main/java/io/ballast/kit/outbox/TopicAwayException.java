package io.ballast.kit.outbox;

/** A topic that takes nothing now, and may later. */
public final class TopicAwayException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TopicAwayException(String message, Throwable cause) {
    super(message, cause);
  }
}
