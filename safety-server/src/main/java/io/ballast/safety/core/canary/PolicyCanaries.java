package io.ballast.safety.core.canary;

import java.util.List;
import java.util.Optional;

/** The canaries of the policy-server. */
public interface PolicyCanaries {
  /**
   * The aliases of a model.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if there is no such model;
   *     DEPENDENCY_DOWN, OVERLOADED or DEPENDENCY_BROKEN if it cannot be asked
   */
  List<WatchedAlias> aliases(String model);

  /**
   * Ends a canary. Under the same key it does so once, whoever asks again.
   *
   * @throws io.ballast.kit.error.MeshException VERSION_CONFLICT if it is not under way; otherwise
   *     as {@link #aliases}, or what the policy-server refuses it for
   */
  void end(End end);

  /**
   * How a canary shall end.
   *
   * @param complete whether the alias moves to it; else everybody is served by what it points to
   * @param reason 10 to 1,000 characters
   * @param numbers what that rests on
   */
  record End(
      CanaryWatch watch, boolean complete, String key, String reason, CanaryNumbers numbers) {}

  /**
   * One alias.
   *
   * @param underWay its canary; empty: there is none, or it cannot be watched
   * @param flaw why it cannot be watched; empty: nothing keeps it from that
   * @param moves all of them, the latest first
   */
  record WatchedAlias(
      String alias, Optional<CanarySubject> underWay, String flaw, List<Move> moves) {
    public WatchedAlias {
      moves = List.copyOf(moves);
    }

    /** The move that followed the beginning of a canary; empty if none did. */
    Optional<Move> endOf(CanarySubject subject) {
      return moves.stream()
          .filter(move -> move.revision() == subject.startRevision() + 1)
          .findFirst();
    }
  }

  /**
   * One move of an alias.
   *
   * @param revision of the alias afterwards
   * @param kind as the policy-server names it
   * @param reason why; may be empty
   */
  record Move(long revision, String kind, String reason) {
    /** What became of a canary by this move. */
    CanaryState state() {
      return switch (kind) {
        case "canary_complete" -> CanaryState.COMPLETED;
        case "canary_roll_back" -> CanaryState.ROLLED_BACK;
        default -> CanaryState.SUPERSEDED;
      };
    }

    /** Kind and reason in a line. */
    String words() {
      return reason.isEmpty() ? kind : kind + ": " + reason;
    }
  }
}
