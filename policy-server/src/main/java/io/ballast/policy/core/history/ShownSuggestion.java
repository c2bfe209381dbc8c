package io.ballast.policy.core.history;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A suggestion that somebody was shown.
 *
 * @param decidedAt when it was decided
 * @param characters how long it was, in UTF-16 code units
 * @param outcome what its user did with it; empty: nobody said so far
 */
public record ShownSuggestion(
    UUID suggestionId, Instant decidedAt, int characters, Optional<Outcome> outcome) {
  /** What a user does with a suggestion. */
  public enum Outcome {
    ACCEPTED,
    REJECTED,
    EDITED
  }

  ShownSuggestion with(Outcome newOutcome) {
    return new ShownSuggestion(suggestionId, decidedAt, characters, Optional.of(newOutcome));
  }
}
