package io.ballast.safety.adapter;

import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.core.canary.Arm;
import io.ballast.safety.core.canary.BoundedMean;
import io.ballast.safety.core.canary.CanaryNumbers;
import io.ballast.safety.core.canary.CanaryState;
import io.ballast.safety.core.canary.CanaryStore.Promise;
import io.ballast.safety.core.canary.CanarySubject;
import io.ballast.safety.core.canary.CanaryTerms;
import io.ballast.safety.core.canary.CanaryVerdict;
import io.ballast.safety.core.canary.CanaryWatch;
import io.ballast.safety.core.canary.Observation;
import io.ballast.safety.core.canary.WhenHeld;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.Update;

/** Rows of canary watches as records, and back. */
final class CanaryRows {
  private CanaryRows() {}

  static void bindSubject(Update update, CanarySubject subject) {
    update
        .bind("model", subject.model())
        .bind("alias", subject.alias())
        .bind("start_revision", subject.startRevision())
        .bind("canary_version", subject.canaryVersion())
        .bind("control_version", subject.controlVersion())
        .bind("share", subject.share())
        .bind("certificate_id", subject.certificateId())
        .bind("started_at", SafetyDatabase.utc(subject.startedAt()));
  }

  static void bindTerms(Update update, CanaryTerms terms) {
    update
        .bind("cost_model", terms.judge().model())
        .bind("cost_version", terms.judge().version())
        .bind("cost_sha256", terms.judge().weightsSha256())
        .bind("cost_folder_sha256", terms.judgeFolderSha256())
        .bind("binary_cost", terms.binaryCost())
        .bind("cost_limit", terms.costLimit())
        .bind("accept_margin", terms.acceptMargin())
        .bind("alpha", terms.alpha())
        .bind("least_decisions", terms.leastDecisions())
        .bind("horizon_ms", terms.horizon().toMillis())
        .bind("feedback_wait_ms", terms.feedbackWait().toMillis())
        .bind("max_blind_ms", terms.maxBlind().toMillis())
        .bind("when_held", terms.whenHeld().name());
  }

  static void bindNumbers(Update update, CanaryNumbers numbers) {
    update.bind("missing_count", numbers.missing());
    bindMean(update, "cost", numbers.cost());
    bindMean(update, "canary", numbers.canaryAccept());
    bindMean(update, "control", numbers.controlAccept());
    bindMean(update, "shortfall", numbers.shortfall());
  }

  private static void bindMean(Update update, String name, BoundedMean mean) {
    update
        .bind(name + "_count", mean.count())
        .bind(name + "_mean", mean.mean())
        .bind(name + "_lower", mean.lower())
        .bind(name + "_upper", mean.upper());
  }

  static CanaryWatch watch(ResultSet row) throws SQLException {
    return new CanaryWatch(
        row.getObject("watch_id", UUID.class),
        subject(row),
        terms(row),
        row.getInt("claim"),
        row.getString("cost_cursor"),
        row.getString("accept_cursor"),
        CanaryState.valueOf(row.getString("state")),
        new CanaryNumbers(
            mean(row, "cost"),
            row.getInt("missing_count"),
            mean(row, "canary"),
            mean(row, "control"),
            mean(row, "shortfall")),
        CanaryVerdict.valueOf(row.getString("verdict")),
        row.getString("reason"),
        SafetyRows.requireTime(row, "opened_at"),
        SafetyRows.requireTime(row, "read_at"),
        row.getString("trouble"),
        Optional.ofNullable(SafetyRows.time(row, "troubled_at")),
        Optional.ofNullable(SafetyRows.time(row, "decided_at")),
        Optional.ofNullable(SafetyRows.time(row, "ended_at")),
        row.getString("end_move"));
  }

  private static CanarySubject subject(ResultSet row) throws SQLException {
    return new CanarySubject(
        row.getString("model"),
        row.getString("alias"),
        row.getLong("start_revision"),
        row.getString("canary_version"),
        row.getString("control_version"),
        row.getDouble("share"),
        row.getObject("certificate_id", UUID.class),
        SafetyRows.requireTime(row, "started_at"));
  }

  private static CanaryTerms terms(ResultSet row) throws SQLException {
    return new CanaryTerms(
        SafetyRows.version(row, "cost"),
        row.getString("cost_folder_sha256"),
        row.getBoolean("binary_cost"),
        row.getDouble("cost_limit"),
        row.getDouble("accept_margin"),
        row.getDouble("alpha"),
        row.getInt("least_decisions"),
        Duration.ofMillis(row.getLong("horizon_ms")),
        WhenHeld.valueOf(row.getString("when_held")),
        Duration.ofMillis(row.getLong("feedback_wait_ms")),
        Duration.ofMillis(row.getLong("max_blind_ms")));
  }

  private static BoundedMean mean(ResultSet row, String name) throws SQLException {
    return new BoundedMean(
        row.getInt(name + "_count"),
        row.getDouble(name + "_mean"),
        row.getDouble(name + "_lower"),
        row.getDouble(name + "_upper"));
  }

  static Observation observation(ResultSet row) throws SQLException {
    return new Observation(
        Observation.Kind.valueOf(row.getString("kind")),
        Arm.valueOf(row.getString("arm")),
        row.getObject("suggestion_id", UUID.class),
        row.getDouble("value"),
        row.getBoolean("missing"));
  }

  static Promise promise(ResultSet row) throws SQLException {
    return new Promise(
        SafetyRows.version(row, "cost"),
        row.getString("cost_folder_sha256"),
        BoundMethod.valueOf(row.getString("bound_method")) == BoundMethod.CLOPPER_PEARSON,
        row.getDouble("threshold"));
  }
}
