package io.ballast.policy.core.version;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

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

  /**
   * Where a rollback goes: the version that served before the one that serves now came. What was
   * rolled back is not gone back to, unless it was promoted again: a second rollback goes further
   * back. Nor is what served by break-glass: it never had a certificate.
   *
   * @return empty if nothing served before
   */
  public Optional<String> rollbackTarget() {
    Deque<String> served = new ArrayDeque<>();
    boolean byBreakGlass = false;
    for (AliasMove move : moves.reversed()) {
      if (move.kind() == AliasMove.Kind.ROLL_BACK && served.contains(move.toVersion())) {
        while (!move.toVersion().equals(served.peek())) {
          served.pop();
        }
      } else if (!move.toVersion().equals(served.peek())) {
        if (byBreakGlass) {
          served.pop();
        }
        served.push(move.toVersion());
      }
      byBreakGlass = move.kind() == AliasMove.Kind.BREAK_GLASS;
    }
    served.pop();
    return Optional.ofNullable(served.peek());
  }
}
