package io.ballast.safety.adapter;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.Certificate;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.JudgeDependence;
import io.ballast.safety.core.safetytest.LedgerEntry;
import io.ballast.safety.core.safetytest.Look;
import io.ballast.safety.core.safetytest.LookRule;
import io.ballast.safety.core.safetytest.PromptSet;
import io.ballast.safety.core.safetytest.ReuseRule;
import io.ballast.safety.core.safetytest.Revocation;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.core.safetytest.TestScope;
import io.ballast.safety.core.safetytest.TestSpec;
import io.ballast.safety.core.safetytest.TestState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.Update;
import org.jspecify.annotations.Nullable;

/** Rows of the schema {@code safety} as records, and back. */
final class SafetyRows {
  private SafetyRows() {}

  static void bindVersions(
      Update update, PinnedVersion candidate, PinnedVersion cost, List<PinnedVersion> optimised) {
    update
        .bind("candidate_model", candidate.model())
        .bind("candidate_version", candidate.version())
        .bind("candidate_sha256", candidate.weightsSha256())
        .bind("cost_model", cost.model())
        .bind("cost_version", cost.version())
        .bind("cost_sha256", cost.weightsSha256())
        .bindArray(
            "optimised_models", String.class, optimised.stream().map(PinnedVersion::model).toList())
        .bindArray(
            "optimised_versions",
            String.class,
            optimised.stream().map(PinnedVersion::version).toList())
        .bindArray(
            "optimised_sha256",
            String.class,
            optimised.stream().map(PinnedVersion::weightsSha256).toList());
  }

  static void bindSampling(Update update, SamplingOptions sampling) {
    update
        .bind("temperature", sampling.temperature())
        .bind("top_k", sampling.topK())
        .bind("top_p", sampling.topP())
        .bind("max_new_tokens", sampling.maxNewTokens())
        .bindArray("stop_strings", String.class, sampling.stopStrings())
        .bind("seed", sampling.seed());
  }

  static void bindScope(Update update, TestScope scope) {
    update
        .bind("alias", scope.alias())
        .bind("base_model", scope.base().map(PinnedVersion::model).orElse(""))
        .bind("base_version", scope.base().map(PinnedVersion::version).orElse(""))
        .bind("base_sha256", scope.base().map(PinnedVersion::weightsSha256).orElse(""))
        .bind("candidate_folder_sha256", scope.candidateFolderSha256())
        .bind("cost_folder_sha256", scope.costModelFolderSha256())
        .bind("same_cost_model", scope.dependence().isPresent())
        .bind(
            "judge_was_optimised", scope.dependence().map(JudgeDependence::sameModel).orElse(false))
        .bind("common_labels", scope.dependence().map(JudgeDependence::commonLabels).orElse(0))
        .bind("unsaid_models", scope.dependence().map(JudgeDependence::unsaidModels).orElse(0));
  }

  static StoredTest storedTest(ResultSet row) throws SQLException {
    TestState state = TestState.valueOf(row.getString("state"));
    Optional<LedgerEntry> look = LedgerRows.entry(row);
    boolean sealed =
        state == TestState.NO_SOLUTION_FOUND
            && look.filter(entry -> entry.look().rule().rule() == ReuseRule.SPLIT)
                .filter(entry -> !entry.closed())
                .isPresent();
    boolean numbers =
        !sealed && (state == TestState.PASSED || state == TestState.NO_SOLUTION_FOUND);
    return new StoredTest(
        row.getObject("test_id", UUID.class),
        row.getString("tenant"),
        state,
        version(row, "candidate"),
        version(row, "cost"),
        numbers ? Optional.of(outcome(row, row.getInt("judged_count"))) : Optional.empty(),
        Optional.ofNullable(row.getObject("certificate_id", UUID.class)),
        row.getString("failure_message"),
        row.getString("prompts_sha256"),
        row.getInt("prompts_count"),
        row.getString("run_id"),
        requireTime(row, "started_at"),
        Optional.ofNullable(time(row, "ended_at")),
        row.getInt("judged_count"),
        look,
        sealed);
  }

  static TestSpec spec(ResultSet row) throws SQLException {
    return new TestSpec(
        version(row, "candidate"),
        version(row, "cost"),
        optimised(row),
        new PromptSet(texts(row, "prompts"), texts(row, "prompt_groups")),
        row.getDouble("threshold"),
        row.getDouble("delta"),
        BoundMethod.valueOf(row.getString("bound_method")),
        sampling(row),
        row.getInt("max_prompt_tokens"),
        row.getInt("chunk"),
        scope(row));
  }

  private static TestScope scope(ResultSet row) throws SQLException {
    PinnedVersion base = version(row, "base");
    return new TestScope(
        row.getString("candidate_folder_sha256"),
        row.getString("cost_folder_sha256"),
        base.model().isEmpty() ? Optional.empty() : Optional.of(base),
        row.getString("alias"),
        row.getBoolean("same_cost_model")
            ? Optional.of(
                new JudgeDependence(
                    row.getBoolean("judge_was_optimised"),
                    row.getInt("common_labels"),
                    row.getInt("unsaid_models")))
            : Optional.empty());
  }

  static Certificate certificate(ResultSet row) throws SQLException {
    return new Certificate(
        row.getObject("certificate_id", UUID.class),
        row.getObject("test_id", UUID.class),
        version(row, "candidate"),
        version(row, "cost"),
        optimised(row),
        outcome(row, row.getInt("n")),
        sampling(row),
        row.getString("prompts_sha256"),
        row.getString("costs_sha256"),
        requireTime(row, "issued_at"),
        row.getString("digest_sha256"));
  }

  /** What was signed; empty in format 1. */
  static Optional<SignedCertificate> signed(ResultSet row, Certificate certificate)
      throws SQLException {
    if (row.getInt("format") == 1) {
      return Optional.empty();
    }
    return Optional.of(
        new SignedCertificate(
            certificate,
            new CertificateTerms(
                scope(row),
                row.getInt("max_prompt_tokens"),
                row.getInt("chunk"),
                row.getInt("groups_count"),
                row.getString("merkle_root"),
                requireTime(row, "not_after"),
                row.getString("code_version"),
                row.getObject("ledger_entry_id", UUID.class),
                certificateLook(row),
                AccountRows.signed(row)),
            new CertificateSeal.Seal(row.getString("key_id"), row.getString("jws"))));
  }

  private static Optional<Look> certificateLook(ResultSet row) throws SQLException {
    String rule = row.getString("look_rule");
    return rule.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Look(
                new LookRule(
                    ReuseRule.valueOf(rule),
                    row.getInt("looks"),
                    row.getDouble("look_total_delta")),
                row.getInt("look_ordinal")));
  }

  /** The revocation in the columns that a left join adds. */
  static Optional<Revocation> revocation(ResultSet row) throws SQLException {
    Instant at = time(row, "revoked_at");
    return at == null
        ? Optional.empty()
        : Optional.of(
            new Revocation(at, row.getString("revoked_because"), row.getString("revoked_by")));
  }

  static SampledCost sample(ResultSet row) throws SQLException {
    return new SampledCost(
        row.getString("prompt_sha256"),
        row.getString("completion_sha256"),
        row.getDouble("cost"),
        row.getBoolean("missing"),
        row.getInt("prompt_group"));
  }

  private static TestOutcome outcome(ResultSet row, int n) throws SQLException {
    return new TestOutcome(
        new SafetyTestNumbers(
            n,
            row.getDouble("mean_cost"),
            row.getDouble("std_cost"),
            row.getDouble("upper_bound"),
            row.getDouble("threshold"),
            row.getDouble("delta"),
            BoundMethod.valueOf(row.getString("bound_method"))),
        row.getInt("failed_items_count"));
  }

  private static SamplingOptions sampling(ResultSet row) throws SQLException {
    return SamplingOptions.builder()
        .temperature(row.getDouble("temperature"))
        .topK(row.getInt("top_k"))
        .topP(row.getDouble("top_p"))
        .maxNewTokens(row.getInt("max_new_tokens"))
        .stopStrings(texts(row, "stop_strings"))
        .seed(row.getLong("seed"))
        .build();
  }

  /** The version in the columns {@code <name>_model} and so on. */
  static PinnedVersion version(ResultSet row, String name) throws SQLException {
    return new PinnedVersion(
        row.getString(name + "_model"),
        row.getString(name + "_version"),
        row.getString(name + "_sha256"));
  }

  private static List<PinnedVersion> optimised(ResultSet row) throws SQLException {
    List<String> models = texts(row, "optimised_models");
    List<String> versions = texts(row, "optimised_versions");
    List<String> hashes = texts(row, "optimised_sha256");
    List<PinnedVersion> optimised = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      optimised.add(new PinnedVersion(models.get(i), versions.get(i), hashes.get(i)));
    }
    return optimised;
  }

  private static List<String> texts(ResultSet row, String column) throws SQLException {
    return List.of((String[]) row.getArray(column).getArray());
  }

  static Instant requireTime(ResultSet row, String column) throws SQLException {
    return row.getObject(column, OffsetDateTime.class).toInstant();
  }

  static @Nullable Instant time(ResultSet row, String column) throws SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }
}
