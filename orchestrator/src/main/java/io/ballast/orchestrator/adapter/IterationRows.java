package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.OptionalDouble;
import org.jdbi.v3.core.Handle;

/** Rows of iterations as records, and back. */
final class IterationRows {
  private IterationRows() {}

  static void insert(Handle handle, String runId, IterationMetrics metrics) {
    handle
        .createUpdate(
            """
            insert into run_iteration (run_id, iteration, samples_count, dropped_count, rounds,
              mean_reward, mean_spread, mean_cost, pessimistic_cost, lambda, kl_nats,
              entropy_nats, mean_completion_tokens, loss, gradient_norm, train_serve_gap_nats,
              watch, constraints, measured, learning, spent, evaluation,
              sample_seconds, judge_seconds, learn_seconds, committed_at)
            values (:id, :iteration, :samples, :dropped, :rounds, :reward, :spread, :cost, :pessimistic,
              :lambda, :kl, :entropy, :tokens, :loss, :norm, :gap, :watch, :constraints, :measured, :learning,
              :spent, :evaluation, :sample, :judge, :learn,
              :committedAt)
            on conflict (run_id, iteration) do nothing""")
        .bind("id", runId)
        .bind("iteration", metrics.iteration())
        .bind("samples", metrics.samplesCount())
        .bind("dropped", metrics.droppedCount())
        .bind("rounds", RoundsJson.write(metrics.rounds()))
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
        .bind("learning", LearningJson.write(metrics.learning()))
        .bind("spent", SpentJson.write(metrics.spent()))
        .bind("evaluation", EvaluationJson.write(metrics.evaluation()))
        .bind("sample", metrics.sampleSeconds())
        .bind("judge", metrics.judgeSeconds())
        .bind("learn", metrics.learnSeconds())
        .bind("committedAt", RunRows.time(metrics.committedAt()))
        .execute();
  }

  static IterationMetrics metrics(ResultSet row) throws SQLException {
    return new IterationMetrics(
        row.getInt("iteration"),
        row.getInt("samples_count"),
        row.getInt("dropped_count"),
        RoundsJson.reading(row.getString("rounds")),
        optional(row, "mean_reward"),
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
        optional(row, "kl_nats"),
        row.getDouble("entropy_nats"),
        row.getDouble("mean_completion_tokens"),
        LearningJson.metrics(row.getString("learning")),
        row.getDouble("loss"),
        row.getDouble("gradient_norm"),
        row.getDouble("train_serve_gap_nats"),
        WatchJson.iteration(row.getString("watch")),
        EvaluationJson.reading(row.getString("evaluation")),
        SpentJson.spent(row.getString("spent")),
        row.getDouble("sample_seconds"),
        row.getDouble("judge_seconds"),
        row.getDouble("learn_seconds"),
        RunRows.instant(row, "committed_at"));
  }

  private static OptionalDouble optional(ResultSet row, String column) throws SQLException {
    Double number = row.getObject(column, Double.class);
    return number == null ? OptionalDouble.empty() : OptionalDouble.of(number);
  }
}
