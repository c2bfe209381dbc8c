package io.ballast.policy.core.version;

import java.util.List;

/**
 * A name that points to a version.
 *
 * @param model the model
 * @param name the alias
 * @param version the version that it points to
 * @param revision counts moves, from 1
 * @param moves all of them, newest first; never empty
 */
public record Alias(
    String model, String name, String version, long revision, List<AliasMove> moves) {
  public Alias {
    moves = List.copyOf(moves);
  }

  /** Where it pointed before its last move; empty if it never moved. */
  public String previousVersion() {
    return moves.getFirst().fromVersion();
  }
}
