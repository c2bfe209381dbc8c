package io.ballast.policy.core.feedback;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.feedback.DecisionStore.StoredDecision;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;

/**
 * Streams every decision in a stable order, whatever came of it. What is learned from those alone
 * that somebody answered is biased: nobody answers what was withheld.
 */
public final class DecisionLog {
  /** Small, for a decision may hold a prompt of 64 KiB and thousands of tokens. */
  private static final PageLimit PAGE = new PageLimit(100, 256 << 10);

  private static final Duration MOST_AGE = Duration.ofDays(366);

  private final DecisionStore store;
  private final InstantSource clock;
  private final PagedStream pages;

  /**
   * @param changes announced whenever this process stores a decision
   * @param followBound the longest that a follower waits before it looks again
   */
  public DecisionLog(
      DecisionStore store, InstantSource clock, ChangeSignal changes, Duration followBound) {
    this.store = store;
    this.clock = clock;
    this.pages = new PagedStream(changes, followBound, PAGE);
  }

  /**
   * Sends decisions to {@code sink} until there are no more, or with {@code follow} until nobody
   * waits for them.
   *
   * @throws MeshException MALFORMED_REQUEST, naming the field
   */
  public void stream(
      DecisionQuery query, Consumer<DecisionRecord> sink, CallCancellation cancellation) {
    if (query.maxDecisions() < 0) {
      throw Texts.malformed(
          "max_decisions",
          "%d (expected: at least 0; 0 means all)".formatted(query.maxDecisions()));
    }
    if (query.minAge().isNegative() || query.minAge().compareTo(MOST_AGE) > 0) {
      throw Texts.malformed(
          "min_age_duration", "%s (expected: 0 to 366 days)".formatted(query.minAge()));
    }
    Reader reader = new Reader(query);
    pages.send(
        reader::next,
        query.follow(),
        query.maxDecisions(),
        decision ->
            sink.accept(
                new DecisionRecord(
                    new Cursor(Cursor.Stream.DECISIONS, decision.position()).text(),
                    decision.suggestion(),
                    decision.outcome(),
                    decision.latestFeedback())),
        cancellation);
  }

  /** One stream's place. */
  private final class Reader {
    private final DecisionQuery query;
    private long position;

    Reader(DecisionQuery query) {
      this.query = query;
      this.position = Cursor.parse(Cursor.Stream.DECISIONS, query.afterCursor()).position();
    }

    /** The next decisions up to the first that is too young: what follows it waits for it. */
    List<StoredDecision> next(PageLimit limit) {
      Instant youngest = clock.instant().minus(query.minAge());
      boolean any = query.minAge().isZero();
      List<StoredDecision> page =
          store.read(query.tenant(), position, query.since(), limit).stream()
              .takeWhile(decision -> any || !decision.decidedAt().isAfter(youngest))
              .toList();
      if (!page.isEmpty()) {
        position = page.getLast().position();
      }
      return page;
    }
  }
}
