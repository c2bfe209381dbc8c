package io.ballast.orchestrator.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.DatabaseFaults;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunChanges;
import io.ballast.orchestrator.core.run.RunState;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.JdbiException;

/** Runs in PostgreSQL. A change locks the run's row, so changes happen one after the other. */
public final class PostgresRunStore implements RunStore {
  private static final String SELECT =
      """
      select r.*, i.iteration, i.samples_count, i.dropped_count, i.mean_reward, i.mean_spread,
        i.mean_cost, i.pessimistic_cost, i.lambda, i.kl_nats, i.entropy_nats,
        i.mean_completion_tokens, i.loss, i.gradient_norm, i.train_serve_gap_nats, i.watch,
        i.constraints, i.measured,
        i.sample_seconds, i.judge_seconds, i.learn_seconds, i.committed_at
      from run r left join run_iteration i
        on i.run_id = r.run_id and i.iteration = r.iterations_done
      """;

  private final Database database;
  private final RunChanges changes;

  /**
   * @param changes hears of everything that is stored
   */
  public PostgresRunStore(Database database, RunChanges changes) {
    this.database = database;
    this.changes = changes;
  }

  @Override
  public Keyed create(NewRun run) {
    Keyed created =
        inTransaction(
            handle -> {
              if (insert(handle, run)) {
                insertPrompts(handle, run.run().runId(), run.prompts());
                return new Keyed(run.run(), run.fingerprint());
              }
              return findByKey(handle, run.run().tenant(), run.idempotencyKey()).orElseThrow();
            });
    changes.announce();
    return created;
  }

  private static boolean insert(Handle handle, NewRun created) {
    Run run = created.run();
    return handle
            .createUpdate(
                """
                insert into run (run_id, tenant, idempotency_key, fingerprint, name, spec,
                  base_model, base_version, base_sha256, iterations_count, created_at, state,
                  pause_asked, fence, iterations_done, early_stop_reason, test_attempts, message,
                  loop_state)
                values (:id, :tenant, nullif(:key, ''), :fingerprint, :name, :spec, :baseModel,
                  :baseVersion, :baseSha, :iterations, :createdAt, :state, false, 0, 0, '', 0, '',
                  :loopState)
                on conflict (tenant, idempotency_key) do nothing""")
            .bind("id", run.runId())
            .bind("tenant", run.tenant())
            .bind("key", created.idempotencyKey())
            .bind("fingerprint", created.fingerprint())
            .bind("name", run.name())
            .bind("spec", run.spec())
            .bind("baseModel", run.base().model())
            .bind("baseVersion", run.base().version())
            .bind("baseSha", run.base().weightsSha256())
            .bind("iterations", run.iterationsCount())
            .bind("createdAt", time(run.createdAt()))
            .bind("state", run.state().name())
            .bind("loopState", StateJson.write(created.state()))
            .execute()
        == 1;
  }

  private static void insertPrompts(Handle handle, String runId, PromptSets prompts) {
    handle
        .createUpdate(
            "insert into run_prompts (run_id, training, test) values (:id, :training, :test)")
        .bind("id", runId)
        .bindArray("training", String.class, prompts.training())
        .bindArray("test", String.class, prompts.test())
        .execute();
  }

  @Override
  public Optional<Keyed> byKey(String tenant, String key) {
    return inTransaction(handle -> findByKey(handle, tenant, key));
  }

  private static Optional<Keyed> findByKey(Handle handle, String tenant, String key) {
    return handle
        .createQuery(SELECT + " where r.tenant = :tenant and r.idempotency_key = :key")
        .bind("tenant", tenant)
        .bind("key", key)
        .map((row, context) -> new Keyed(runOf(row), row.getString("fingerprint")))
        .findFirst();
  }

  @Override
  public Optional<Run> find(String runId) {
    return inTransaction(handle -> find(handle, runId));
  }

  private static Optional<Run> find(Handle handle, String runId) {
    return handle
        .createQuery(SELECT + " where r.run_id = :id")
        .bind("id", runId)
        .map((row, context) -> runOf(row))
        .findFirst();
  }

  @Override
  public List<Run> newest(String tenant, int limit) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    SELECT + " where r.tenant = :tenant order by r.creation desc limit :limit")
                .bind("tenant", tenant)
                .bind("limit", limit)
                .map((row, context) -> runOf(row))
                .list());
  }

  @Override
  public List<Run> active() {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    SELECT
                        + " where r.state in ('QUEUED', 'LEARNING', 'TESTING')"
                        + " order by r.creation")
                .map((row, context) -> runOf(row))
                .list());
  }

  @Override
  public List<IterationMetrics> iterations(String runId, int after) {
    return inTransaction(
        handle ->
            handle
                .createQuery(
                    """
                    select * from run_iteration where run_id = :id and iteration > :after
                    order by iteration""")
                .bind("id", runId)
                .bind("after", after)
                .map((row, context) -> metricsOf(row))
                .list());
  }

  @Override
  public PromptSets prompts(String runId) {
    return inTransaction(
        handle ->
            handle
                .createQuery("select training, test from run_prompts where run_id = :id")
                .bind("id", runId)
                .map(
                    (row, context) ->
                        new PromptSets(
                            texts(row.getArray("training")), texts(row.getArray("test"))))
                .findFirst()
                .orElseThrow(() -> Faults.unknown("run", runId)));
  }

  private static List<String> texts(Array array) throws SQLException {
    return List.of((String[]) array.getArray());
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
                    .createUpdate("update run_prompts set test = :test where run_id = :id")
                    .bindArray("test", String.class, prompts.test())
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
      String runId, UnaryOperator<Run> change, IterationMetrics metrics, LoopState state) {
    Run committed =
        inTransaction(
            handle -> {
              lock(handle, runId);
              Run next = change.apply(find(handle, runId).orElseThrow());
              insertIteration(handle, runId, metrics);
              update(handle, next);
              handle
                  .createUpdate("update run set loop_state = :state where run_id = :id")
                  .bind("state", StateJson.write(state))
                  .bind("id", runId)
                  .execute();
              return next;
            });
    changes.announce();
    return committed;
  }

  private static Run change(Handle handle, String runId, UnaryOperator<Run> change) {
    lock(handle, runId);
    Run before = find(handle, runId).orElseThrow();
    Run next = change.apply(before);
    if (!next.equals(before)) {
      update(handle, next);
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

  private static void update(Handle handle, Run run) {
    Run.Progress progress = run.progress();
    PinnedVersion candidate = progress.candidate();
    handle
        .createUpdate(
            """
            update run set state = :state, pause_asked = :pauseAsked, fence = :fence,
              iterations_done = :done, early_stop_reason = :earlyStop, alarms = :alarms,
              candidate_model = :candidateModel, candidate_version = :candidateVersion,
              candidate_sha256 = :candidateSha, candidate_iteration = :candidateIteration,
              test_attempts = :attempts, safety_test = :test,
              message = :message, ended_at = :endedAt
            where run_id = :id""")
        .bind("id", run.runId())
        .bind("state", progress.state().name())
        .bind("pauseAsked", progress.pauseAsked())
        .bind("fence", progress.fence())
        .bind("done", progress.iterationsDone())
        .bind("earlyStop", progress.earlyStopReason())
        .bind("alarms", WatchJson.write(progress.alarms()))
        .bind("candidateModel", candidate == null ? null : candidate.model())
        .bind("candidateVersion", candidate == null ? null : candidate.version())
        .bind("candidateSha", candidate == null ? null : candidate.weightsSha256())
        .bind("candidateIteration", progress.candidateIteration())
        .bind("attempts", progress.testAttempts())
        .bind("test", progress.tests().isEmpty() ? null : StateJson.write(progress.tests()))
        .bind("message", progress.message().replace('\0', ' '))
        .bind("endedAt", progress.endedAt() == null ? null : time(progress.endedAt()))
        .execute();
  }

  private static void insertIteration(Handle handle, String runId, IterationMetrics metrics) {
    handle
        .createUpdate(
            """
            insert into run_iteration (run_id, iteration, samples_count, dropped_count,
              mean_reward, mean_spread, mean_cost, pessimistic_cost, lambda, kl_nats,
              entropy_nats, mean_completion_tokens, loss, gradient_norm, train_serve_gap_nats,
              watch, constraints, measured, sample_seconds, judge_seconds, learn_seconds, committed_at)
            values (:id, :iteration, :samples, :dropped, :reward, :spread, :cost, :pessimistic,
              :lambda, :kl, :entropy, :tokens, :loss, :norm, :gap, :watch, :constraints, :measured, :sample, :judge, :learn,
              :committedAt)
            on conflict (run_id, iteration) do nothing""")
        .bind("id", runId)
        .bind("iteration", metrics.iteration())
        .bind("samples", metrics.samplesCount())
        .bind("dropped", metrics.droppedCount())
        .bind("reward", metrics.meanReward())
        .bind("spread", metrics.meanSpread())
        .bind("cost", metrics.meanCost())
        .bind("pessimistic", metrics.pessimisticCost())
        .bind("lambda", metrics.lambda())
        .bind("kl", metrics.klNats())
        .bind("entropy", metrics.entropyNats())
        .bind("tokens", metrics.meanCompletionTokens())
        .bind("loss", metrics.loss())
        .bind("norm", metrics.gradientNorm())
        .bind("gap", metrics.trainServeGapNats())
        .bind("watch", WatchJson.write(metrics.watch()))
        .bind("constraints", ConstraintJson.write(metrics.constraints()))
        .bind("measured", MeasuredJson.write(metrics.measured()))
        .bind("sample", metrics.sampleSeconds())
        .bind("judge", metrics.judgeSeconds())
        .bind("learn", metrics.learnSeconds())
        .bind("committedAt", time(metrics.committedAt()))
        .execute();
  }

  private static Run runOf(ResultSet row) throws SQLException {
    String test = row.getString("safety_test");
    String candidateModel = row.getString("candidate_model");
    return new Run(
        row.getString("run_id"),
        row.getString("tenant"),
        row.getString("name"),
        row.getString("spec"),
        new PinnedVersion(
            row.getString("base_model"),
            row.getString("base_version"),
            row.getString("base_sha256")),
        row.getInt("iterations_count"),
        instant(row, "created_at"),
        new Run.Progress(
            RunState.valueOf(row.getString("state")),
            row.getBoolean("pause_asked"),
            row.getLong("fence"),
            row.getInt("iterations_done"),
            row.getObject("iteration") == null ? null : metricsOf(row),
            row.getString("early_stop_reason"),
            WatchJson.alarms(row.getString("alarms")),
            candidateModel == null
                ? null
                : new PinnedVersion(
                    candidateModel,
                    row.getString("candidate_version"),
                    row.getString("candidate_sha256")),
            row.getInt("candidate_iteration"),
            row.getInt("test_attempts"),
            test == null ? List.of() : StateJson.reports(test),
            row.getString("message"),
            row.getObject("ended_at") == null ? null : instant(row, "ended_at")));
  }

  private static IterationMetrics metricsOf(ResultSet row) throws SQLException {
    return new IterationMetrics(
        row.getInt("iteration"),
        row.getInt("samples_count"),
        row.getInt("dropped_count"),
        row.getDouble("mean_reward"),
        optional(row, "mean_spread"),
        ConstraintJson.readings(
            row.getString("constraints"),
            new ConstraintReading(
                ConstraintSpec.DEFAULT_NAME,
                row.getDouble("mean_cost"),
                row.getObject("pessimistic_cost", Double.class),
                row.getObject("lambda", Double.class),
                null,
                false)),
        MeasuredJson.readings(row.getString("measured")),
        row.getDouble("kl_nats"),
        row.getDouble("entropy_nats"),
        row.getDouble("mean_completion_tokens"),
        row.getDouble("loss"),
        row.getDouble("gradient_norm"),
        row.getDouble("train_serve_gap_nats"),
        WatchJson.iteration(row.getString("watch")),
        row.getDouble("sample_seconds"),
        row.getDouble("judge_seconds"),
        row.getDouble("learn_seconds"),
        instant(row, "committed_at"));
  }

  private static OptionalDouble optional(ResultSet row, String column) throws SQLException {
    Double number = row.getObject(column, Double.class);
    return number == null ? OptionalDouble.empty() : OptionalDouble.of(number);
  }

  private static Instant instant(ResultSet row, String column) throws SQLException {
    return row.getObject(column, OffsetDateTime.class).toInstant();
  }

  private static OffsetDateTime time(Instant instant) {
    return OffsetDateTime.ofInstant(instant, ZoneOffset.UTC);
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
