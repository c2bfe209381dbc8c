package io.ballast.policy.core.suggest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.feedback.Payload;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * A decided suggestion as it is stored: what it is found by, and the record itself.
 *
 * @param decision the name of its {@link Decision}
 * @param reason the name of its {@link DecisionReason}
 * @param body the record
 * @param person for whom it was made; empty: nobody in particular
 * @param shownCharacters the length of what was shown, in UTF-16 code units; empty if nothing was
 */
public record DecisionRow(
    UUID suggestionId,
    String tenant,
    PinnedVersion version,
    String decision,
    String reason,
    Instant decidedAt,
    Payload body,
    String person,
    OptionalInt shownCharacters) {

  /** The row of {@code suggestion}, whose record is {@code body}. */
  public static DecisionRow of(DecidedSuggestion suggestion, Payload body) {
    SuggestAnswer answer = suggestion.answer();
    return new DecisionRow(
        answer.suggestionId(),
        suggestion.command().caller().tenant(),
        answer.policyVersion(),
        answer.ruling().decision().name(),
        answer.ruling().reason().name(),
        suggestion.decidedAt(),
        body,
        suggestion.command().user(),
        answer.ruling().decision() == Decision.SHOW
            ? OptionalInt.of(answer.text().length())
            : OptionalInt.empty());
  }
}
