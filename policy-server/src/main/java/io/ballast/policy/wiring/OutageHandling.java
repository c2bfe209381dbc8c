package io.ballast.policy.wiring;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.DatabaseFaults;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.policy.adapter.OutageTelemetry;
import io.ballast.policy.adapter.PostgresRefusedFeedback;
import io.ballast.policy.adapter.PostgresSuggestionLog;
import io.ballast.policy.adapter.spool.FileSpool;
import io.ballast.policy.config.PolicyConfig;
import io.ballast.policy.core.feedback.FeedbackLog;
import io.ballast.policy.core.feedback.FeedbackStore;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.history.HistoryStore;
import io.ballast.policy.core.outage.DatabaseAccess;
import io.ballast.policy.core.outage.OutageFeedbackStore;
import io.ballast.policy.core.outage.OutageSuggestionLog;
import io.ballast.policy.core.outage.SpoolReplay;
import io.ballast.policy.core.outage.WhenDatabaseDown;
import io.ballast.policy.core.suggest.DecidedSuggestion;
import io.ballast.policy.core.suggest.SuggestionLog;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What goes on while the database is away, put together. */
final class OutageHandling implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OutageHandling.class);

  /** Below the data folder. */
  private static final String FOLDER = "policy-spool";

  private final PolicyConfig.Outage config;
  private final Database database;
  private final OutageTelemetry monitor;
  private final FileSpool spool;
  private final DatabaseAccess access;
  private final ExecutorService questions;
  private final ScheduledExecutorService looks;

  /**
   * Reads what waits from before.
   *
   * @throws MeshException PRECONDITION_FAILED if that cannot be read, or if feedback is to wait and
   *     the disk takes none
   */
  OutageHandling(PolicyConfig.Outage config, MeshRuntime runtime, Database database) {
    this.config = config;
    this.database = database;
    monitor = new OutageTelemetry(runtime.meters());
    spool =
        new FileSpool(runtime.dataFolder().resolve(FOLDER), config.spoolBytes(), runtime.clock());
    if (config.feedback() == WhenDatabaseDown.Feedback.SPOOL) {
      spool.prepare();
    }
    spool.register(runtime.meters());
    questions =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("policy-database-", 0).factory());
    access = new DatabaseAccess(DatabaseFaults::isAway, config.patience(), questions, monitor);
    looks =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("policy-spool").factory());
  }

  /** Suggestions are kept in {@code log} while that can be. */
  SuggestionLog over(PostgresSuggestionLog log, Function<DecidedSuggestion, Payload> encoder) {
    return new OutageSuggestionLog(log, config.decisions(), access, spool, encoder, monitor);
  }

  /** Events are kept in {@code store} while that can be. */
  FeedbackStore over(FeedbackStore store) {
    return new OutageFeedbackStore(store, config.feedback(), access, spool, monitor);
  }

  /** Nobody queues for a database that is known to be away. */
  HistoryStore over(HistoryStore store) {
    return (tenant, user, limit) -> {
      if (access.away()) {
        throw new MeshException(Fault.DEPENDENCY_DOWN, DatabaseFaults.AWAY);
      }
      return store.latest(tenant, user, limit);
    };
  }

  /**
   * What brings the spool into the database.
   *
   * @param events stores events there alone
   */
  SpoolReplay replay(PostgresSuggestionLog decisions, FeedbackLog events) {
    return new SpoolReplay(
        spool,
        new SpoolReplay.Target(
            decisions::insert,
            events,
            new PostgresRefusedFeedback(database),
            () -> database.jdbi().useHandle(handle -> handle.execute("select 1"))),
        access,
        monitor);
  }

  /** How much waits for the database. */
  int waiting() {
    return spool.waiting();
  }

  /** Runs {@code look} from now on, and again and again. */
  void follow(Runnable look) {
    long nanos = config.probe().toNanos();
    var unused = looks.scheduleWithFixedDelay(quietly(look), 0, nanos, TimeUnit.NANOSECONDS);
  }

  private static Runnable quietly(Runnable look) {
    return () -> {
      try {
        look.run();
      } catch (CancellationException e) { // the server stops
        LOG.debug("the replay was broken off");
      } catch (RuntimeException e) { // what waits stays, and the next look may succeed
        LOG.error("what waits for the database cannot be brought into it", Wordless.of(e));
      }
    };
  }

  @Override
  public void close() {
    looks.shutdownNow();
    looks.close(); // until it has let go of the spool
    questions.shutdownNow();
    spool.close();
  }
}
