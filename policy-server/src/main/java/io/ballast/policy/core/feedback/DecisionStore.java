package io.ballast.policy.core.feedback;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Where decisions are read. */
@FunctionalInterface
public interface DecisionStore {
  /**
   * Returns decisions after {@code position}, in the order of their positions. Whatever comes later
   * has a higher position than everything returned.
   *
   * @param tenant whose; empty: everybody's
   * @param since only what was decided then or later; empty: all
   * @param limit the most that is read
   */
  List<StoredDecision> read(
      Optional<String> tenant, long position, Optional<Instant> since, PageLimit limit);

  /** A decision with its latest events. */
  record StoredDecision(
      long position,
      Instant decidedAt,
      Payload suggestion,
      Optional<Payload> outcome,
      Optional<Payload> latestFeedback) {
    /** Of all that it holds. */
    public long bytes() {
      return suggestion.size()
          + outcome.map(Payload::size).orElse(0)
          + latestFeedback.map(Payload::size).orElse(0);
    }
  }
}
