package io.ballast.policy.core.feedback;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import java.util.List;
import java.util.UUID;

/**
 * A request to delete data.
 *
 * @param caller whose tenant's
 * @param user all of this user's; empty: {@code suggestionIds}
 * @param suggestionIds these suggestions; none if a user is named
 * @param actor who answers for it, never empty
 * @param reason why, never empty
 */
public record DeletionCommand(
    Caller caller, String user, List<UUID> suggestionIds, String actor, String reason) {
  private static final int MOST_IDS = 1_000;
  private static final int MOST_USER = 128;
  private static final int MOST_ACTOR = 128;
  private static final int LEAST_REASON = 10;
  private static final int MOST_REASON = 1_000;

  /**
   * Checks what a caller said.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST unless there is either a user or 1
   *     to 1,000 ids, an actor of 1 to 128 characters and a reason of 10 to 1,000, each a line
   */
  public DeletionCommand {
    suggestionIds = List.copyOf(suggestionIds);
    if (user.isEmpty() == suggestionIds.isEmpty()) {
      throw Texts.malformed(
          "user",
          (user.isEmpty() ? "empty" : "given") + " (expected: either a user or suggestion_ids)");
    }
    if (suggestionIds.size() > MOST_IDS) {
      throw Texts.malformed(
          "suggestion_ids", "%,d (expected: 1 to %,d)".formatted(suggestionIds.size(), MOST_IDS));
    }
    user = Texts.requireLine("user", user, MOST_USER);
    actor = Texts.requireLine("actor", actor.strip(), MOST_ACTOR);
    reason = Texts.requireLine("reason", reason.strip(), MOST_REASON);
    if (actor.isEmpty()) {
      throw Texts.malformed("actor", "empty (expected: the person who answers for it)");
    }
    if (reason.length() < LEAST_REASON) {
      throw Texts.malformed(
          "reason",
          "%d characters (expected: %d to %,d)"
              .formatted(reason.length(), LEAST_REASON, MOST_REASON));
    }
  }
}
