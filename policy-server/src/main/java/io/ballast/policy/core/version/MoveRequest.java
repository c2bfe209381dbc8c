package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import java.util.Optional;

/**
 * A move of an alias that somebody asks for.
 *
 * @param caller who; its idempotency key is honoured
 * @param model the model, never empty
 * @param alias the alias, never empty
 * @param kind PROMOTE, ROLL_BACK or BREAK_GLASS
 * @param expectedVersion where it must point now; empty (ROLL_BACK only): wherever
 * @param newVersion where it shall point; empty for ROLL_BACK
 * @param certificateId what allows it; empty but for PROMOTE
 * @param breakGlass who and why; of BREAK_GLASS alone
 */
public record MoveRequest(
    Caller caller,
    String model,
    String alias,
    AliasMove.Kind kind,
    String expectedVersion,
    String newVersion,
    String certificateId,
    Optional<BreakGlass> breakGlass) {
  /** What the request says, for telling a repetition from another request under the same key. */
  public String fingerprint() {
    String said =
        String.join("|", kind.label(), model, alias, expectedVersion, newVersion, certificateId);
    return breakGlass.map(each -> String.join("|", said, each.actor(), each.reason())).orElse(said);
  }
}
