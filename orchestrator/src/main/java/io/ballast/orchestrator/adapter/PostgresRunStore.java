package io.ballast.orchestrator.adapter;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.DatabaseFaults;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.JdbiException;

/** Runs in PostgreSQL. A change locks the run's row, so changes happen one after the other. */
public final class PostgresRunStore implements RunStore {
  private final Database database;
  private final ChangeSignal changes;
  private final RunEvents events;

  /**
   * @param changes hears of everything that is stored
   * @param events are written with what is stored
   */
  public PostgresRunStore(Database database, ChangeSignal changes, RunEvents events) {
    this.database = database;
    this.changes = changes;
    this.events = events;
  }

  @Override
  public Keyed create(NewRun run) {
    Keyed created =
        inTransaction(
            handle -> {
              if (RunRows.insert(handle, run)) {
                RunRows.insertPrompts(handle, run.run().runId(), run.prompts());
                events.created(handle, run.run());
                return new Keyed(run.run(), run.fingerprint());
              }
              return findByKey(handle, run.run().tenant(), run.idempotencyKey()).orElseThrow();
            });
    changes.announce();
    return created;
  }

  @Override
  public Optional<Keyed> byKey(String tenant, String key) {
    return inTransaction(handle -> findByKey(handle, tenant, key));
  }

  private static Optional<Keyed> findByKey(Handle handle, String tenant, String key) {
    return handle
        .createQuery(RunRows.SELECT + " where r.tenant = :tenant and r.idempotency_key = :key")
        .bind("tenant", tenant)
        .bind("key", key)
        .map((row, context) -> new Keyed(RunRows.run(row), row.getString("fingerprint")))
        .findFirst();
  }

  @Override
  public Optional<Run> find(String runId) {
    return inTransaction(handle -> find(handle, runId));
  }

  private static Optional<Run> find(Handle handle, String runId) {
    return handle
        .createQuery(RunRows.SELECT + " where r.run_id = :id")
        .bind("id", runId)
        .map((row, context) -> RunRows.run(row))
        .findFirst();
  }

  @Override
  public List<Run> newest(String tenant, int limit) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    RunRows.SELECT
                        + " where r.tenant = :tenant order by r.creation desc limit :limit")
                .bind("tenant", tenant)
                .bind("limit", limit)
                .map((row, context) -> RunRows.run(row))
                .list());
  }

  @Override
  public int pendingCount(String tenant) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    """
                    select count(*) from run where tenant = :tenant
                    and state in ('QUEUED', 'LEARNING', 'TESTING', 'PAUSED')\
                    """)
                .bind("tenant", tenant)
                .mapTo(Integer.class)
                .one());
  }

  @Override
  public List<Run> active() {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    RunRows.SELECT
                        + " where r.state in ('QUEUED', 'LEARNING', 'TESTING')"
                        + " order by r.creation")
                .map((row, context) -> RunRows.run(row))
                .list());
  }

  @Override
  public List<IterationMetrics> iterations(String runId, int after, int most) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    """
                    select * from run_iteration where run_id = :id and iteration > :after
                    order by iteration limit :most\
                    """)
                .bind("id", runId)
                .bind("after", after)
                .bind("most", most)
                .map((row, context) -> IterationRows.metrics(row))
                .list());
  }

  @Override
  public PromptSets prompts(String runId) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    """
                    select training, numbers, chosen, rejected, sources, test, test_groups, evaluation, evaluation_groups,
                      deleted_at
                    from run_prompts where run_id = :id\
                    """)
                .bind("id", runId)
                .map((row, context) -> prompts(runId, row))
                .findFirst()
                .orElseThrow(() -> Faults.unknown("run", runId)));
  }

  /** Of a run from before there could be several sources it has the only one. */
  private static PromptSets prompts(String runId, ResultSet row) throws SQLException {
    if (row.getObject("deleted_at") != null) {
      throw Faults.precondition(
          "run %s has ended, and its prompts were deleted at %s: they are kept for so long only (ballast.orchestrator.prompt-retention)"
              .formatted(runId, RunRows.instant(row, "deleted_at")));
    }
    List<String> training = RunRows.texts(row.getArray("training"));
    List<ReadSource> sources = SourceJson.read(row.getString("sources"));
    return new PromptSets(
        training,
        RunRows.notes(row),
        sources.isEmpty() ? List.of(ReadSource.of("", training.size())) : sources,
        new GroupedPrompts(
            RunRows.texts(row.getArray("test")), RunRows.texts(row.getArray("test_groups"))),
        new GroupedPrompts(
            RunRows.texts(row.getArray("evaluation")),
            RunRows.texts(row.getArray("evaluation_groups"))));
  }

  @Override
  public List<ReadSource> sources(String runId) {
    return inTransaction(
        handle ->
            handle
                .createQuery("select sources from run_prompts where run_id = :id")
                .bind("id", runId)
                .map((row, context) -> SourceJson.read(row.getString("sources")))
                .findFirst()
                .orElseThrow(() -> Faults.unknown("run", runId)));
  }

  @Override
  public LoopState loopState(String runId) {
    return inTransaction(
        handle ->
            handle
                .createQuery("select loop_state, iterations_done from run where run_id = :id")
                .bind("id", runId)
                .map(
                    (row, context) ->
                        StateJson.loopState(
                            row.getString("loop_state"), row.getInt("iterations_done")))
                .findFirst()
                .orElseThrow(() -> Faults.unknown("run", runId)));
  }

  @Override
  public Run change(String runId, UnaryOperator<Run> change) {
    Run changed = inTransaction(handle -> change(handle, runId, change));
    changes.announce();
    return changed;
  }

  @Override
  public Run renew(String runId, UnaryOperator<Run> change, PromptSets prompts) {
    Run changed =
        inTransaction(
            handle -> {
              lock(handle, runId);
              Run before = find(handle, runId).orElseThrow();
              Run next = change(handle, runId, change);
              if (!next.equals(before)) {
                handle
                    .createUpdate(
                        """
                        update run_prompts set test = :test, test_groups = :groups
                        where run_id = :id\
                        """)
                    .bindArray("test", String.class, prompts.test().prompts())
                    .bindArray("groups", String.class, prompts.test().groups())
                    .bind("id", runId)
                    .execute();
              }
              return next;
            });
    changes.announce();
    return changed;
  }

  @Override
  public Run commit(
      String runId,
      UnaryOperator<Run> change,
      IterationMetrics metrics,
      LoopState state,
      Optional<Followed> followed) {
    Run committed =
        inTransaction(
            handle -> {
              lock(handle, runId);
              Run next = change.apply(find(handle, runId).orElseThrow());
              IterationRows.insert(handle, runId, metrics);
              RunRows.update(handle, next);
              events.iterated(handle, next, metrics);
              handle
                  .createUpdate("update run set loop_state = :state where run_id = :id")
                  .bind("state", StateJson.write(state))
                  .bind("id", runId)
                  .execute();
              followed.ifPresent(taken -> RunRows.follow(handle, runId, taken));
              return next;
            });
    changes.announce();
    return committed;
  }

  @Override
  public boolean lease(String runId, String holder, Duration length) {
    return inTransaction(
        handle ->
            handle
                    .createUpdate(
                        """
                        insert into run_lease (run_id, holder, ends_at)
                        values (:id, :holder, clock_timestamp() + :millis * interval '1 ms')
                        on conflict (run_id) do update
                        set holder = excluded.holder, ends_at = excluded.ends_at
                        where run_lease.holder = excluded.holder
                          or run_lease.ends_at <= clock_timestamp()\
                        """)
                    .bind("id", runId)
                    .bind("holder", holder)
                    .bind("millis", length.toMillis())
                    .execute()
                == 1);
  }

  @Override
  public void release(String runId, String holder) {
    var unused =
        inTransaction(
            handle ->
                handle
                    .createUpdate("delete from run_lease where run_id = :id and holder = :holder")
                    .bind("id", runId)
                    .bind("holder", holder)
                    .execute());
  }

  private Run change(Handle handle, String runId, UnaryOperator<Run> change) {
    lock(handle, runId);
    Run before = find(handle, runId).orElseThrow();
    Run next = change.apply(before);
    if (!next.equals(before)) {
      RunRows.update(handle, next);
      events.changed(handle, next);
    }
    return next;
  }

  private static void lock(Handle handle, String runId) {
    var unused =
        handle
            .createQuery("select fence from run where run_id = :id for update")
            .bind("id", runId)
            .mapTo(Long.class)
            .findFirst()
            .orElseThrow(() -> Faults.unknown("run", runId));
  }

  private <T> T inTransaction(HandleCallback<T, RuntimeException> work) {
    try {
      return database.jdbi().inTransaction(work);
    } catch (JdbiException e) {
      if (DatabaseFaults.isAway(e)) {
        throw DatabaseFaults.away(e);
      }
      throw e;
    }
  }
}
