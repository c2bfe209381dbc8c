package io.ballast.policy.core.suggest;

/**
 * A peer that could not answer, or the database, which could not record.
 *
 * @param peer its role, or {@code database}
 * @param message why, for a person
 */
public record Degradation(String peer, String message) {
  /** The degradation that {@code e} tells of. */
  static Degradation of(PeerUnavailableException e) {
    return new Degradation(e.peer(), String.valueOf(e.getMessage()));
  }
}
