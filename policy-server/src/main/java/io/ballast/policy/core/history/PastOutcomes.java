package io.ballast.policy.core.history;

import io.ballast.policy.core.history.ShownSuggestion.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a user did with suggestions before, as it was known at one moment.
 *
 * @param latest what became of the latest that were answered, the latest first, at most 5
 * @param accepted how many of the last 20 that were answered were accepted or edited
 * @param answered how many that is out of, 0 to 20
 * @param previousCharacters how long the last one shown was, in UTF-16 code units; empty: none was
 */
public record PastOutcomes(
    List<Past> latest, int accepted, int answered, OptionalInt previousCharacters) {
  private static final int LATEST = 5;
  private static final int COUNTED = 20;

  /**
   * What became of one suggestion.
   *
   * @param age how long before it was decided, at least 0
   */
  public record Past(Outcome outcome, Duration age) {}

  public PastOutcomes {
    latest = List.copyOf(latest);
  }

  /**
   * What {@code shown} comes to at {@code now}.
   *
   * @param shown the latest first
   */
  static PastOutcomes of(List<ShownSuggestion> shown, Instant now) {
    List<Past> answered =
        shown.stream()
            .flatMap(one -> one.outcome().map(outcome -> past(one, outcome, now)).stream())
            .limit(COUNTED)
            .toList();
    return new PastOutcomes(
        answered.subList(0, Math.min(LATEST, answered.size())),
        (int) answered.stream().filter(past -> past.outcome() != Outcome.REJECTED).count(),
        answered.size(),
        shown.isEmpty() ? OptionalInt.empty() : OptionalInt.of(shown.getFirst().characters()));
  }

  /** The clock of another replica may be ahead: no age is below 0. */
  private static Past past(ShownSuggestion shown, Outcome outcome, Instant now) {
    Duration age = Duration.between(shown.decidedAt(), now);
    return new Past(outcome, age.isNegative() ? Duration.ZERO : age);
  }
}
