package io.ballast.policy.core.outage;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.feedback.FeedbackLog;
import io.ballast.policy.core.suggest.DecisionRow;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/**
 * Brings what waits into the database, in its order, and finds out whether that is back. Used by
 * one thread.
 *
 * <p><b>Why each thing is stored once.</b> It is forgotten only after the commit that stores it, so
 * a crash between the two replays it; a decision is stored once for its id and an event once for
 * its tenant and key, so the second time changes nothing.
 */
public final class SpoolReplay {
  private final Spool spool;
  private final Target target;
  private final DatabaseAccess database;
  private final OutageMonitor monitor;

  /**
   * The database.
   *
   * @param decisions stores a decision, once for its id
   * @param feedback stores events in the database alone
   * @param refused takes the events that are none
   * @param probe fails if the database is away
   */
  public record Target(
      Consumer<DecisionRow> decisions,
      FeedbackLog feedback,
      RefusedFeedback refused,
      Runnable probe) {}

  public SpoolReplay(Spool spool, Target target, DatabaseAccess database, OutageMonitor monitor) {
    this.spool = spool;
    this.target = target;
    this.database = database;
    this.monitor = monitor;
  }

  /**
   * Looks once: stores whatever waits, as far as the database takes it. What fails for another
   * reason than the database's being away stays first in its place, so that nothing is lost. A
   * database that was away is back once it has stored something, or, if nothing waits, answers.
   */
  public void run() {
    Optional<Spooled> first = spool.first();
    if (first.isEmpty() && database.away()) {
      look();
    }
    while (first.isPresent() && stored(first.get())) {
      spool.remove(first.get());
      monitor.replayed(first.get());
      first = spool.first();
    }
  }

  private void look() {
    try {
      var unused =
          database.within(
              () -> {
                target.probe().run();
                return true;
              });
    } catch (RuntimeException e) { // it is away still, or not well: it is asked again
      return;
    }
    database.found();
  }

  private boolean stored(Spooled record) {
    try {
      var unused =
          database.within(
              () -> {
                store(record);
                return true;
              });
    } catch (CancellationException e) {
      throw e;
    } catch (RuntimeException e) { // nothing that waits is given up
      if (database.means(e)) {
        database.lost(e);
      } else {
        database.found();
        monitor.stuck(record, e);
      }
      return false;
    }
    database.found();
    return true;
  }

  private void store(Spooled record) {
    switch (record) {
      case Spooled.Decision decision -> target.decisions().accept(decision.row());
      case Spooled.Feedback event -> {
        try {
          var unused = target.feedback().record(event.command(), event.eventId());
        } catch (MeshException e) {
          if (e.fault() != Fault.MALFORMED_REQUEST && e.fault() != Fault.UNKNOWN_RESOURCE) {
            throw e;
          }
          String why = String.valueOf(e.getMessage());
          target.refused().keep(event, why);
          monitor.refused(event, why);
        }
      }
    }
  }
}
