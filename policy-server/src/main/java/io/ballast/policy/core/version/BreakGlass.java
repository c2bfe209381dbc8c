package io.ballast.policy.core.version;

import io.ballast.kit.call.Texts;

/**
 * Who moves an alias without a certificate, and why.
 *
 * @param actor the person who answers for it, as they said, never empty
 * @param reason why, never empty
 */
public record BreakGlass(String actor, String reason) {
  private static final int LEAST_REASON = 10;
  private static final int MOST_REASON = 1_000;
  private static final int MOST_ACTOR = 128;

  /**
   * Checks what a caller said.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST for an actor of no or of over 128
   *     characters, a reason of under 10 or over 1,000, or one that is not a line of text
   */
  public static BreakGlass of(String actor, String reason) {
    String who = Texts.requireLine("actor", actor.strip(), MOST_ACTOR);
    String why = Texts.requireLine("reason", reason.strip(), MOST_REASON);
    if (who.isEmpty()) {
      throw Texts.malformed("actor", "empty (expected: the person who answers for it)");
    }
    if (why.length() < LEAST_REASON) {
      throw Texts.malformed(
          "reason",
          "%d characters (expected: %d to %,d)".formatted(why.length(), LEAST_REASON, MOST_REASON));
    }
    return new BreakGlass(who, why);
  }
}
