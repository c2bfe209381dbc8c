package io.ballast.safety.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.safety.core.canary.CanaryState;
import io.ballast.safety.core.canary.CanaryStore;
import io.ballast.safety.core.canary.CanarySubject;
import io.ballast.safety.core.canary.CanaryTerms;
import io.ballast.safety.core.canary.CanaryVerdict;
import io.ballast.safety.core.canary.CanaryWatch;
import io.ballast.safety.core.canary.Observation;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Update;

/** Watches in PostgreSQL. Leases are by its clock, which all replicas share. */
public final class PostgresCanaryStore implements CanaryStore {
  /** Observations that are in memory at a time. */
  private static final int FETCHED = 1_000;

  private final SafetyDatabase database;

  public PostgresCanaryStore(Database database) {
    this.database = new SafetyDatabase(database);
  }

  @Override
  public List<String> models() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    select distinct c.candidate_model
                    from certificate_redemption r join certificate c using (certificate_id)
                    order by 1""")
                .mapTo(String.class)
                .list());
  }

  @Override
  public boolean knows(CanarySubject subject) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    select exists (select from canary_watch
                      where model = :model and alias = :alias and start_revision = :revision)""")
                .bind("model", subject.model())
                .bind("alias", subject.alias())
                .bind("revision", subject.startRevision())
                .mapTo(Boolean.class)
                .one());
  }

  @Override
  public Optional<Promise> promise(UUID certificateId) {
    return database.read(
        handle ->
            handle
                .createQuery("select * from certificate where certificate_id = :id")
                .bind("id", certificateId)
                .map((row, context) -> CanaryRows.promise(row))
                .findFirst());
  }

  @Override
  public void open(UUID id, CanarySubject subject, CanaryTerms terms, Instant now) {
    database.read(
        handle -> {
          Update update =
              handle
                  .createUpdate(
                      """
                      insert into canary_watch (watch_id, model, alias, start_revision,
                        canary_version, control_version, share, certificate_id, started_at,
                        cost_model, cost_version, cost_sha256, cost_folder_sha256, binary_cost,
                        cost_limit, accept_margin, alpha, least_decisions, horizon_ms,
                        feedback_wait_ms, max_blind_ms, when_held, opened_at, read_at)
                      values (:id, :model, :alias, :start_revision, :canary_version,
                        :control_version, :share, :certificate_id, :started_at, :cost_model,
                        :cost_version, :cost_sha256, :cost_folder_sha256, :binary_cost,
                        :cost_limit, :accept_margin, :alpha, :least_decisions, :horizon_ms,
                        :feedback_wait_ms, :max_blind_ms, :when_held, :at, :at)
                      on conflict (model, alias, start_revision) do nothing""")
                  .bind("id", id)
                  .bind("at", SafetyDatabase.utc(now));
          CanaryRows.bindSubject(update, subject);
          CanaryRows.bindTerms(update, terms);
          return update.execute();
        });
  }

  @Override
  public List<CanaryWatch> underWay() {
    return database.read(
        handle ->
            handle
                .createQuery("select * from canary_watch where ended_at is null order by arrival")
                .map((row, context) -> CanaryRows.watch(row))
                .list());
  }

  /** Since when nobody looked: since the last lease was over, given back or not. */
  @Override
  public Optional<CanaryWatch> take(UUID id, Duration lease, Duration gap) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    update canary_watch
                    set claim = claim + 1,
                      trouble = case when %1$s then '' else trouble end,
                      troubled_at = case when %1$s then null else troubled_at end,
                      leased_until = clock_timestamp() + :millis * interval '1 millisecond'
                    where watch_id = :id and ended_at is null
                      and (leased_until is null or leased_until < clock_timestamp())
                    returning *"""
                        .formatted(
                            "leased_until < statement_timestamp() - :gap * interval '1 millisecond'"))
                .bind("id", id)
                .bind("millis", lease.toMillis())
                .bind("gap", gap.toMillis())
                .map((row, context) -> CanaryRows.watch(row))
                .findFirst());
  }

  @Override
  public boolean renew(CanaryWatch watch, Duration lease) {
    return held(
        watch,
        handle ->
            handle
                .createUpdate(
                    """
                    update canary_watch
                    set leased_until = clock_timestamp() + :millis * interval '1 millisecond'
                    where watch_id = :id and claim = :claim and ended_at is null""")
                .bind("millis", lease.toMillis()));
  }

  @Override
  public void release(CanaryWatch watch) {
    var unused =
        held(
            watch,
            handle ->
                handle.createUpdate(
                    """
                    update canary_watch set leased_until = clock_timestamp()
                    where watch_id = :id and claim = :claim and ended_at is null"""));
  }

  /** In a transaction: only there does the driver fetch a part at a time. */
  @Override
  public void observations(UUID id, int from, Consumer<Observation> sink) {
    var unused =
        database.transact(
            handle -> {
              handle
                  .createQuery(
                      """
                              select * from canary_observation where watch_id = :id
                              order by arrival offset :from""")
                  .bind("id", id)
                  .bind("from", from)
                  .setFetchSize(FETCHED)
                  .map((row, context) -> CanaryRows.observation(row))
                  .useIterator(each -> each.forEachRemaining(sink));
              return id;
            });
  }

  @Override
  public boolean record(CanaryWatch watch, Reading reading, Duration lease) {
    return database.transact(handle -> record(handle, watch, reading, lease));
  }

  /** The row first: it is locked until the end, so that observations come in one order. */
  private static boolean record(Handle handle, CanaryWatch watch, Reading reading, Duration lease) {
    String cursor =
        switch (reading.kind()) {
          case COST -> "cost_cursor";
          case ACCEPT -> "accept_cursor";
        };
    Update update =
        handle
            .createUpdate(
                """
                update canary_watch set %s = :cursor, missing_count = :missing_count,
                  cost_count = :cost_count, cost_mean = :cost_mean, cost_lower = :cost_lower,
                  cost_upper = :cost_upper, canary_count = :canary_count,
                  canary_mean = :canary_mean, canary_lower = :canary_lower,
                  canary_upper = :canary_upper, control_count = :control_count,
                  control_mean = :control_mean, control_lower = :control_lower,
                  control_upper = :control_upper, shortfall_count = :shortfall_count,
                  shortfall_mean = :shortfall_mean, shortfall_lower = :shortfall_lower,
                  shortfall_upper = :shortfall_upper,
                  leased_until = clock_timestamp() + :millis * interval '1 millisecond'
                where watch_id = :id and claim = :claim and state = 'WATCHING'"""
                    .formatted(cursor))
            .bind("cursor", reading.cursor())
            .bind("millis", lease.toMillis())
            .bind("id", watch.id())
            .bind("claim", watch.claim());
    CanaryRows.bindNumbers(update, reading.numbers());
    boolean held = update.execute() == 1;
    if (held && !reading.observations().isEmpty()) {
      insert(handle, watch.id(), reading.observations());
    }
    return held;
  }

  private static void insert(Handle handle, UUID id, List<Observation> observations) {
    PreparedBatch batch =
        handle.prepareBatch(
            """
            insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing)
            values (:id, :kind, :suggestion, :arm, :value, :missing)""");
    for (Observation each : observations) {
      batch
          .bind("id", id)
          .bind("kind", each.kind().name())
          .bind("suggestion", each.suggestionId())
          .bind("arm", each.arm().name())
          .bind("value", each.value())
          .bind("missing", each.missing())
          .add();
    }
    var unused = batch.execute();
  }

  @Override
  public boolean sawAll(CanaryWatch watch, CanaryVerdict verdict, String reason, Instant now) {
    return held(
        watch,
        handle ->
            handle
                .createUpdate(
                    """
                    update canary_watch
                    set read_at = :at, trouble = '', troubled_at = null, verdict = :verdict,
                      reason = :reason
                    where watch_id = :id and claim = :claim and state = 'WATCHING'""")
                .bind("verdict", verdict.name())
                .bind("reason", reason)
                .bind("at", SafetyDatabase.utc(now)));
  }

  @Override
  public boolean sawSome(CanaryWatch watch) {
    return held(
        watch,
        handle ->
            handle.createUpdate(
                """
                update canary_watch set trouble = '', troubled_at = null
                where watch_id = :id and claim = :claim and state = 'WATCHING'"""));
  }

  @Override
  public boolean sawTrouble(CanaryWatch watch, String trouble, Instant since) {
    return held(
        watch,
        handle ->
            handle
                .createUpdate(
                    """
                    update canary_watch
                    set trouble = :trouble, troubled_at = :since
                    where watch_id = :id and claim = :claim and ended_at is null""")
                .bind("trouble", trouble)
                .bind("since", SafetyDatabase.utc(since)));
  }

  @Override
  public boolean decide(CanaryWatch watch, CanaryVerdict verdict, String reason, Instant now) {
    return held(
        watch,
        handle ->
            handle
                .createUpdate(
                    """
                    update canary_watch set state = 'ROLLING_BACK', verdict = :verdict,
                      reason = :reason, decided_at = :at
                    where watch_id = :id and claim = :claim and state = 'WATCHING'""")
                .bind("verdict", verdict.name())
                .bind("reason", reason)
                .bind("at", SafetyDatabase.utc(now)));
  }

  @Override
  public boolean end(CanaryWatch watch, CanaryState state, String move, Instant now) {
    return held(
        watch,
        handle ->
            handle
                .createUpdate(
                    """
                    update canary_watch set state = :state, end_move = :move, ended_at = :at,
                      leased_until = null, trouble = '', troubled_at = null
                    where watch_id = :id and claim = :claim and ended_at is null""")
                .bind("state", state.name())
                .bind("move", move)
                .bind("at", SafetyDatabase.utc(now)));
  }

  @Override
  public List<CanaryWatch> list(String model, boolean underWay, int limit) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    select * from canary_watch
                    where (:model = '' or model = :model) and (not :under_way or ended_at is null)
                    order by arrival desc limit :limit""")
                .bind("model", model)
                .bind("under_way", underWay)
                .bind("limit", limit)
                .map((row, context) -> CanaryRows.watch(row))
                .list());
  }

  private boolean held(CanaryWatch watch, Function<Handle, Update> statement) {
    return database.read(
        handle ->
            statement.apply(handle).bind("id", watch.id()).bind("claim", watch.claim()).execute()
                == 1);
  }
}
