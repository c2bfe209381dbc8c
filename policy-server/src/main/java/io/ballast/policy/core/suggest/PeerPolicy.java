package io.ballast.policy.core.suggest;

/**
 * What to do for a tenant when a peer that decides cannot answer. The reward decides nothing about
 * showing, so it has no entry: without it the first candidate is considered.
 *
 * @param gate OPEN shows, CLOSED withholds
 * @param cost OPEN shows, CLOSED blocks
 */
public record PeerPolicy(WhenDown gate, WhenDown cost) {
  /** What stands in for a missing answer. */
  public enum WhenDown {
    /** Go on as if it had agreed. */
    OPEN,
    /** Go on as if it had refused. */
    CLOSED
  }
}
