package io.ballast.policy.core.suggest;

/** A peer did not answer, or not with something that can be used. */
public final class PeerUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String peer;

  /**
   * @param peer the peer's role, such as {@code safety-server}
   * @param message why, for a person
   */
  public PeerUnavailableException(String peer, String message, Throwable cause) {
    super(message, cause);
    this.peer = peer;
  }

  /** The peer's role. */
  public String peer() {
    return peer;
  }
}
