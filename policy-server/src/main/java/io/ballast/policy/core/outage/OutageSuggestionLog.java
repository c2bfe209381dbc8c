package io.ballast.policy.core.outage;

import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.DecidedSuggestion;
import io.ballast.policy.core.suggest.DecisionRow;
import io.ballast.policy.core.suggest.Degradation;
import io.ballast.policy.core.suggest.SuggestionLog;
import java.util.Optional;
import java.util.function.Function;

/** Keeps suggestions through {@code next}, and elsewhere or nowhere while the database is away. */
public final class OutageSuggestionLog implements SuggestionLog {
  /** What the database is called among those that could not answer. */
  public static final String DATABASE = "database";

  private static final Degradation WAITS =
      new Degradation(
          DATABASE, "cannot be reached; the decision waits on the policy-server's disk for it");
  private static final Degradation UNRECORDED =
      new Degradation(
          DATABASE,
          "cannot be reached; the decision is not recorded, and no feedback will join it");

  private final SuggestionLog next;
  private final WhenDatabaseDown.Decisions choice;
  private final DatabaseAccess database;
  private final Spool spool;
  private final Function<DecidedSuggestion, Payload> encoder;
  private final OutageMonitor monitor;

  /**
   * @param encoder gives the bytes that are kept
   */
  public OutageSuggestionLog(
      SuggestionLog next,
      WhenDatabaseDown.Decisions choice,
      DatabaseAccess database,
      Spool spool,
      Function<DecidedSuggestion, Payload> encoder,
      OutageMonitor monitor) {
    this.next = next;
    this.choice = choice;
    this.database = database;
    this.spool = spool;
    this.encoder = encoder;
    this.monitor = monitor;
  }

  @Override
  public DecidedSuggestion record(DecidedSuggestion suggestion) {
    return switch (choice) {
      case REFUSE -> next.record(suggestion);
      case DROP -> recorded(suggestion).orElseGet(() -> dropped(suggestion));
      case SPOOL -> recorded(suggestion).orElseGet(() -> spooled(suggestion));
    };
  }

  private Optional<DecidedSuggestion> recorded(DecidedSuggestion suggestion) {
    return database.ask(() -> next.record(suggestion));
  }

  private DecidedSuggestion dropped(DecidedSuggestion suggestion) {
    monitor.dropped();
    return suggestion.degraded(UNRECORDED);
  }

  private DecidedSuggestion spooled(DecidedSuggestion suggestion) {
    DecidedSuggestion kept = suggestion.degraded(WAITS);
    Spooled.Decision decision = new Spooled.Decision(DecisionRow.of(kept, encoder.apply(kept)));
    spool.keep(decision);
    monitor.spooled(decision);
    return kept;
  }
}
