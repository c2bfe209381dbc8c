package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.digest.Sha256;
import java.util.Optional;

/**
 * A move of an alias that somebody asks for.
 *
 * @param caller who; its idempotency key is honoured
 * @param model the model, never empty
 * @param alias the alias, never empty
 * @param kind what kind, but CREATE
 * @param expectedVersion where it must point now; empty (ROLL_BACK and the end of a canary):
 *     wherever
 * @param newVersion where it shall point, or what shall be its canary; empty for ROLL_BACK
 * @param certificateId what allows it; empty but for PROMOTE and CANARY
 * @param breakGlass who and why; of BREAK_GLASS alone
 * @param canary of the beginning and the end of one
 */
public record MoveRequest(
    Caller caller,
    String model,
    String alias,
    AliasMove.Kind kind,
    String expectedVersion,
    String newVersion,
    String certificateId,
    Optional<BreakGlass> breakGlass,
    Optional<CanaryStep> canary) {
  /** What the request says, for telling a repetition from another request under the same key. */
  public String fingerprint() {
    String said =
        String.join("|", kind.label(), model, alias, expectedVersion, newVersion, certificateId);
    String who =
        breakGlass.map(each -> String.join("|", said, each.actor(), each.reason())).orElse(said);
    return canary
        .map(
            step ->
                String.join(
                    "|",
                    who,
                    Integer.toString(step.share()),
                    Long.toString(step.startRevision()),
                    step.reason(),
                    Sha256.of(step.numbers().toBytes())))
        .orElse(who);
  }
}
