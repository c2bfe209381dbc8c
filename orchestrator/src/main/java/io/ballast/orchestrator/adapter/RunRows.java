package io.ballast.orchestrator.adapter;

import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.run.NextTest;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.core.run.RunState;
import io.ballast.orchestrator.core.run.RunStore;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Handle;

/** Rows of runs and of their prompts as records, and back. */
final class RunRows {
  static final String SELECT =
      """
      select r.*, i.iteration, i.samples_count, i.dropped_count, i.rounds, i.mean_reward, i.mean_spread,
        i.mean_cost, i.pessimistic_cost, i.lambda, i.kl_nats, i.entropy_nats,
        i.mean_completion_tokens, i.loss, i.gradient_norm, i.train_serve_gap_nats, i.watch,
        i.constraints, i.measured, i.learning, i.spent, i.evaluation,
        i.sample_seconds, i.judge_seconds, i.learn_seconds, i.committed_at
      from run r left join run_iteration i
        on i.run_id = r.run_id and i.iteration = r.iterations_done
      """;

  private RunRows() {}

  static boolean insert(Handle handle, RunStore.NewRun created) {
    Run run = created.run();
    PostgresAudit.namePrincipal(handle);
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

  static void insertPrompts(Handle handle, String runId, PromptSets prompts) {
    handle
        .createUpdate(
            """
            insert into run_prompts (run_id, training, numbers, chosen, rejected, sources, test,
              test_groups, evaluation, evaluation_groups)
            values (:id, :training, :numbers, :chosen, :rejected, :sources, :test, :groups,
              :evaluation, :evaluationGroups)""")
        .bind("id", runId)
        .bindArray("training", String.class, prompts.training())
        .bindArray("numbers", Double.class, prompts.notes().numbers())
        .bindArray("chosen", String.class, labels(prompts, Labels::chosen))
        .bindArray("rejected", String.class, labels(prompts, Labels::rejected))
        .bind("sources", SourceJson.write(prompts.sources()))
        .bindArray("test", String.class, prompts.test().prompts())
        .bindArray("groups", String.class, prompts.test().groups())
        .bindArray("evaluation", String.class, prompts.evaluation().prompts())
        .bindArray("evaluationGroups", String.class, prompts.evaluation().groups())
        .execute();
  }

  /** Adds what was learned from: no test may use it any more. */
  static void follow(Handle handle, String runId, RunStore.Followed taken) {
    handle
        .createUpdate(
            """
            update run_prompts set training = training || :prompts, sources = :sources
            where run_id = :id""")
        .bindArray("prompts", String.class, taken.prompts())
        .bind("sources", SourceJson.write(List.of(taken.source())))
        .bind("id", runId)
        .execute();
  }

  private static List<String> labels(PromptSets prompts, Function<Labels, String> one) {
    return prompts.notes().labels().stream().map(one).toList();
  }

  static List<String> texts(Array array) throws SQLException {
    return List.of((String[]) array.getArray());
  }

  /** What stands beside the training prompts of a run. */
  static RowNotes notes(ResultSet row) throws SQLException {
    List<String> chosen = texts(row.getArray("chosen"));
    List<String> rejected = texts(row.getArray("rejected"));
    return new RowNotes(
        List.of((Double[]) row.getArray("numbers").getArray()),
        IntStream.range(0, chosen.size())
            .mapToObj(i -> new Labels(chosen.get(i), rejected.get(i)))
            .toList());
  }

  static void update(Handle handle, Run run) {
    RunProgress progress = run.progress();
    PinnedVersion candidate = progress.candidate();
    if (!progress.state().pending()) {
      PostgresAudit.namePrincipal(handle); // how runs end is in the trail
    }
    handle
        .createUpdate(
            """
            update run set state = :state, pause_asked = :pauseAsked, fence = :fence,
              iterations_done = :done, early_stop_reason = :earlyStop, alarms = :alarms,
              candidate_model = :candidateModel, candidate_version = :candidateVersion,
              candidate_sha256 = :candidateSha, candidate_iteration = :candidateIteration,
              candidate_reason = :candidateReason,
              test_attempts = :attempts, spent_attempts = :spent, next_test = :nextTest,
              safety_test = :test,
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
        .bind("candidateReason", progress.candidateReason())
        .bind("attempts", progress.testAttempts())
        .bind("spent", progress.spentAttempts())
        .bind("nextTest", progress.nextTest().name())
        .bind("test", progress.tests().isEmpty() ? null : StateJson.write(progress.tests()))
        .bind("message", progress.message().replace('\0', ' '))
        .bind("endedAt", progress.endedAt() == null ? null : time(progress.endedAt()))
        .execute();
  }

  static Run run(ResultSet row) throws SQLException {
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
        new RunProgress(
            RunState.valueOf(row.getString("state")),
            row.getBoolean("pause_asked"),
            row.getLong("fence"),
            row.getInt("iterations_done"),
            row.getObject("iteration") == null ? null : IterationRows.metrics(row),
            row.getString("early_stop_reason"),
            WatchJson.alarms(row.getString("alarms")),
            candidateModel == null
                ? null
                : new PinnedVersion(
                    candidateModel,
                    row.getString("candidate_version"),
                    row.getString("candidate_sha256")),
            row.getInt("candidate_iteration"),
            row.getString("candidate_reason"),
            row.getInt("test_attempts"),
            row.getInt("spent_attempts"),
            test == null ? List.of() : StateJson.reports(test),
            NextTest.valueOf(row.getString("next_test")),
            row.getString("message"),
            row.getObject("ended_at") == null ? null : instant(row, "ended_at")));
  }

  static Instant instant(ResultSet row, String column) throws SQLException {
    return row.getObject(column, OffsetDateTime.class).toInstant();
  }

  static OffsetDateTime time(Instant instant) {
    return OffsetDateTime.ofInstant(instant, ZoneOffset.UTC);
  }
}
