package io.ballast.safety.adapter;

import io.ballast.kit.audit.PostgresAudit;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.Certificate;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.Look;
import io.ballast.safety.core.safetytest.Revocation;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.core.safetytest.TestState;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The tables of certificates, their evidence and their revocations. */
final class CertificateRows {
  private CertificateRows() {}

  static void insertSamples(Handle handle, UUID testId, List<SampledCost> samples) {
    handle
        .createUpdate(
            """
            insert into safety_test_cost
              (test_id, position, prompt_sha256, completion_sha256, cost, missing, prompt_group)
            select :id, position, prompt, completion, cost, missing, prompt_group
            from unnest(:prompts::text[], :completions::text[], :costs::double precision[],
              :missing::boolean[], :groups::integer[]) with ordinality
              as given (prompt, completion, cost, missing, prompt_group, position)""")
        .bind("id", testId)
        .bindArray(
            "prompts", String.class, samples.stream().map(SampledCost::promptSha256).toList())
        .bindArray(
            "completions",
            String.class,
            samples.stream().map(SampledCost::completionSha256).toList())
        .bindArray("costs", Double.class, samples.stream().map(SampledCost::cost).toList())
        .bindArray("groups", Integer.class, samples.stream().map(SampledCost::group).toList())
        .bindArray("missing", Boolean.class, samples.stream().map(SampledCost::missing).toList())
        .execute();
  }

  static void insert(Handle handle, SignedCertificate signed) {
    PostgresAudit.namePrincipal(handle);
    Certificate certificate = signed.certificate();
    CertificateTerms terms = signed.terms();
    SafetyTestNumbers numbers = certificate.outcome().numbers();
    var update =
        handle
            .createUpdate(
                """
                insert into certificate (certificate_id, test_id, candidate_model,
                  candidate_version, candidate_sha256, cost_model, cost_version, cost_sha256,
                  optimised_models, optimised_versions, optimised_sha256, n, mean_cost, std_cost,
                  upper_bound, threshold, delta, bound_method, failed_items_count, temperature,
                  top_k, top_p, max_new_tokens, stop_strings, seed, prompts_sha256, costs_sha256,
                  issued_at, digest_sha256, format, alias, base_model, base_version, base_sha256,
                  candidate_folder_sha256, cost_folder_sha256, max_prompt_tokens, merkle_root,
                  not_after, code_version, ledger_entry_id, key_id, jws, look_rule, look_ordinal,
                  looks, look_total_delta, chunk, account, account_looks, account_delta,
                  earlier_weights_looks, earlier_weights_delta, earlier_account_looks,
                  earlier_account_delta, groups_count, same_cost_model, judge_was_optimised,
                  common_labels, unsaid_models)
                values (:id, :test, :candidate_model, :candidate_version, :candidate_sha256,
                  :cost_model, :cost_version, :cost_sha256, :optimised_models,
                  :optimised_versions, :optimised_sha256, :n, :mean, :std, :upper, :threshold,
                  :delta, :method, :failed, :temperature, :top_k, :top_p, :max_new_tokens,
                  :stop_strings, :seed, :prompts_sha256, :costs_sha256, :at, :digest, 2, :alias,
                  :base_model, :base_version, :base_sha256, :candidate_folder_sha256,
                  :cost_folder_sha256, :max_prompt_tokens, :merkle_root, :not_after,
                  :code_version, :entry, :key_id, :jws, :look_rule, :look_ordinal, :looks,
                  :look_total_delta, :chunk, :account, :account_looks, :account_delta,
                  :weights_looks, :weights_delta, :name_looks, :name_delta,
                  :groups_count, :same_cost_model, :judge_was_optimised, :common_labels,
                  :unsaid_models)""")
            .bind("id", certificate.id())
            .bind("test", certificate.testId())
            .bind("n", numbers.n())
            .bind("mean", numbers.meanCost())
            .bind("std", numbers.stdCost())
            .bind("upper", numbers.upperBound())
            .bind("threshold", numbers.threshold())
            .bind("delta", numbers.delta())
            .bind("method", numbers.method().name())
            .bind("failed", certificate.outcome().failedItems())
            .bind("prompts_sha256", certificate.promptsSha256())
            .bind("costs_sha256", certificate.costsSha256())
            .bind("at", SafetyDatabase.utc(certificate.issuedAt()))
            .bind("digest", certificate.digestSha256())
            .bind("max_prompt_tokens", terms.maxPromptTokens())
            .bind("chunk", terms.chunk())
            .bind("groups_count", terms.groupsCount())
            .bind("merkle_root", terms.merkleRoot())
            .bind("not_after", SafetyDatabase.utc(terms.notAfter()))
            .bind("code_version", terms.codeVersion())
            .bind("entry", terms.ledgerEntryId())
            .bind("look_rule", terms.look().map(look -> look.rule().rule().name()).orElse(""))
            .bind("look_ordinal", terms.look().map(Look::ordinal).orElse(0))
            .bind("looks", terms.look().map(look -> look.rule().looks()).orElse(0))
            .bind(
                "look_total_delta", terms.look().map(look -> look.rule().totalDelta()).orElse(0.0))
            .bind("key_id", signed.seal().keyId())
            .bind("jws", signed.seal().jws());
    SafetyRows.bindVersions(
        update,
        certificate.candidate(),
        certificate.costModel(),
        certificate.optimisedCostModels());
    SafetyRows.bindSampling(update, certificate.sampling());
    SafetyRows.bindScope(update, terms.scope());
    AccountRows.bind(update, terms.account());
    update.execute();
  }

  static Optional<Evidence> evidence(Handle handle, UUID certificateId) {
    return handle
        .createQuery(
            """
            select c.*, t.state as test_state, r.revoked_at, r.reason as revoked_because,
              r.tenant as revoked_by
            from certificate c join safety_test t on t.test_id = c.test_id
              left join certificate_revocation r on r.certificate_id = c.certificate_id
            where c.certificate_id = :id""")
        .bind("id", certificateId)
        .map(
            (row, context) -> {
              Certificate certificate = SafetyRows.certificate(row);
              return new Evidence(
                  certificate,
                  SafetyRows.signed(row, certificate),
                  samples(handle, certificate.testId()),
                  TestState.valueOf(row.getString("test_state")),
                  SafetyRows.revocation(row));
            })
        .findFirst();
  }

  private static List<SampledCost> samples(Handle handle, UUID testId) {
    return handle
        .createQuery(
            """
            select prompt_sha256, completion_sha256, cost, missing, prompt_group from safety_test_cost
            where test_id = :id order by position""")
        .bind("id", testId)
        .map((row, context) -> SafetyRows.sample(row))
        .list();
  }

  static int revoke(Handle handle, UUID certificateId, Revocation revocation) {
    PostgresAudit.namePrincipal(handle);
    return handle
        .createUpdate(
            """
            insert into certificate_revocation (certificate_id, revoked_at, reason, tenant)
            values (:id, :at, :reason, :tenant) on conflict do nothing""")
        .bind("id", certificateId)
        .bind("at", SafetyDatabase.utc(revocation.at()))
        .bind("reason", revocation.reason())
        .bind("tenant", revocation.tenant())
        .execute();
  }

  static Instant latestTime(Handle handle, Instant now, Duration skew) {
    return handle
        .createQuery(
            """
            insert into certificate_clock (latest) values (least(:now, server_time() + make_interval(secs => :skew)))
            on conflict (only_row) do update
            set latest = greatest(certificate_clock.latest, excluded.latest)
            returning latest""")
        .bind("now", SafetyDatabase.utc(now))
        .bind("skew", skew.toMillis() / 1e3)
        .map((row, context) -> row.getObject("latest", OffsetDateTime.class).toInstant())
        .one();
  }
}
