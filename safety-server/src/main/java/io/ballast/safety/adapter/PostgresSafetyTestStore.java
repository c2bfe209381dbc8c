package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.DatabaseFaults;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.ClaimedTest;
import io.ballast.safety.core.safetytest.NewTest;
import io.ballast.safety.core.safetytest.Revocation;
import io.ballast.safety.core.safetytest.SafetyTestStore;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.core.safetytest.TestSpec;
import io.ballast.safety.core.safetytest.TestState;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * Tests and certificates in PostgreSQL. Whatever belongs together is one transaction: a test and
 * its look, an outcome with its costs and certificate, a failure and the look that it gives back.
 */
public final class PostgresSafetyTestStore implements SafetyTestStore {
  private static final String SHOWN =
      """
      select t.*, c.certificate_id, cardinality(t.prompts) as prompts_count
      from safety_test t left join certificate c on c.test_id = t.test_id
      """;

  private final Database database;

  public PostgresSafetyTestStore(Database database) {
    this.database = database;
  }

  @Override
  public Optional<KeyedTest> byKey(String tenant, String idempotencyKey) {
    return read(handle -> findByKey(handle, tenant, idempotencyKey));
  }

  private static Optional<KeyedTest> findByKey(Handle handle, String tenant, String key) {
    return handle
        .createQuery(SHOWN + "where t.tenant = :tenant and t.idempotency_key = :key")
        .bind("tenant", tenant)
        .bind("key", key)
        .map(
            (row, context) ->
                new KeyedTest(row.getString("fingerprint"), SafetyRows.storedTest(row)))
        .findFirst();
  }

  @Override
  public Start start(NewTest test) {
    return transact(
        handle -> {
          if (!insert(handle, test)) {
            return new Start.KeyUsed(
                findByKey(handle, test.caller().tenant(), test.caller().idempotencyKey())
                    .orElseThrow());
          }
          List<String> hashes = test.spec().prompts().promptHashes();
          int taken =
              handle
                  .createUpdate(
                      """
                      insert into spent_prompt (candidate_sha256, prompt_sha256, test_id)
                      select :candidate, hash, :id from unnest(:hashes::text[]) as hash
                      order by hash
                      on conflict do nothing""")
                  .bind("candidate", test.spec().candidate().weightsSha256())
                  .bind("id", test.id())
                  .bindArray("hashes", String.class, hashes)
                  .execute();
          if (taken < hashes.size()) {
            UUID first = firstToSpend(handle, test, hashes);
            handle.rollback();
            return new Start.LookSpent(first, hashes.size() - taken);
          }
          return new Start.Started(find(handle, test.id()).orElseThrow());
        });
  }

  private static UUID firstToSpend(Handle handle, NewTest test, List<String> hashes) {
    return handle
        .createQuery(
            """
            select test_id from spent_prompt
            where candidate_sha256 = :candidate and prompt_sha256 = any(:hashes::text[])
              and test_id <> :id
            limit 1""")
        .bind("candidate", test.spec().candidate().weightsSha256())
        .bindArray("hashes", String.class, hashes)
        .bind("id", test.id())
        .mapTo(UUID.class)
        .findFirst()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.VERSION_CONFLICT,
                    "spec.prompts: another test of this candidate gave its look back just now; start again"));
  }

  private static boolean insert(Handle handle, NewTest test) {
    TestSpec spec = test.spec();
    var update =
        handle
            .createUpdate(
                """
                insert into safety_test (test_id, tenant, idempotency_key, fingerprint, run_id,
                  state, candidate_model, candidate_version, candidate_sha256, cost_model,
                  cost_version, cost_sha256, optimised_models, optimised_versions,
                  optimised_sha256, prompts, prompts_sha256, threshold, delta, bound_method,
                  temperature, top_k, top_p, max_new_tokens, stop_strings, seed,
                  max_prompt_tokens, alias, base_model, base_version, base_sha256,
                  candidate_folder_sha256, cost_folder_sha256, started_at)
                values (:id, :tenant, nullif(:key, ''), :fingerprint, :run, 'RUNNING',
                  :candidate_model, :candidate_version, :candidate_sha256, :cost_model,
                  :cost_version, :cost_sha256, :optimised_models, :optimised_versions,
                  :optimised_sha256, :prompts, :prompts_sha256, :threshold, :delta, :method,
                  :temperature, :top_k, :top_p, :max_new_tokens, :stop_strings, :seed,
                  :max_prompt_tokens, :alias, :base_model, :base_version, :base_sha256,
                  :candidate_folder_sha256, :cost_folder_sha256, :at)
                on conflict (tenant, idempotency_key) do nothing""")
            .bind("id", test.id())
            .bind("tenant", test.caller().tenant())
            .bind("key", test.caller().idempotencyKey())
            .bind("fingerprint", test.fingerprint())
            .bind("run", test.runId())
            .bindArray("prompts", String.class, spec.prompts().prompts())
            .bind("prompts_sha256", spec.prompts().sha256())
            .bind("threshold", spec.threshold())
            .bind("delta", spec.delta())
            .bind("method", spec.boundMethod().name())
            .bind("max_prompt_tokens", spec.maxPromptTokens())
            .bind("at", utc(test.startedAt()));
    SafetyRows.bindVersions(update, spec.candidate(), spec.costModel(), spec.optimisedCostModels());
    SafetyRows.bindSampling(update, spec.sampling());
    SafetyRows.bindScope(update, spec.scope());
    return update.execute() == 1;
  }

  @Override
  public Optional<StoredTest> find(UUID id) {
    return read(handle -> find(handle, id));
  }

  private static Optional<StoredTest> find(Handle handle, UUID id) {
    return handle
        .createQuery(SHOWN + "where t.test_id = :id")
        .bind("id", id)
        .map((row, context) -> SafetyRows.storedTest(row))
        .findFirst();
  }

  @Override
  public List<StoredTest> list(String runId, int limit) {
    return read(
        handle ->
            handle
                .createQuery(
                    SHOWN
                        + "where (:run = '' or t.run_id = :run) order by t.arrival desc limit :limit")
                .bind("run", runId)
                .bind("limit", limit)
                .map((row, context) -> SafetyRows.storedTest(row))
                .list());
  }

  @Override
  public List<UUID> running() {
    return read(
        handle ->
            handle
                .createQuery(
                    "select test_id from safety_test where state = 'RUNNING' order by arrival")
                .mapTo(UUID.class)
                .list());
  }

  @Override
  public Optional<ClaimedTest> claim(UUID id) {
    return read(
        handle ->
            handle
                .createQuery(
                    """
                    update safety_test set claim = claim + 1, judged_count = 0
                    where test_id = :id and state = 'RUNNING'
                    returning *""")
                .bind("id", id)
                .map(
                    (row, context) ->
                        new ClaimedTest(
                            id, row.getInt("claim"), row.getString("tenant"), SafetyRows.spec(row)))
                .findFirst());
  }

  @Override
  public boolean progress(ClaimedTest test, int judgedCount) {
    return read(
        handle ->
            handle
                    .createUpdate(
                        """
                        update safety_test set judged_count = :count
                        where test_id = :id and claim = :claim and state = 'RUNNING'""")
                    .bind("count", judgedCount)
                    .bind("id", test.id())
                    .bind("claim", test.claim())
                    .execute()
                == 1);
  }

  @Override
  public boolean fail(ClaimedTest test, String message, Instant at) {
    return transact(
        handle -> {
          boolean held =
              handle
                      .createUpdate(
                          """
                          update safety_test
                          set state = 'FAILED', failure_message = :message, ended_at = :at
                          where test_id = :id and claim = :claim and state = 'RUNNING'""")
                      .bind("message", message)
                      .bind("at", utc(at))
                      .bind("id", test.id())
                      .bind("claim", test.claim())
                      .execute()
                  == 1;
          if (held) {
            handle
                .createUpdate("delete from spent_prompt where test_id = :id")
                .bind("id", test.id())
                .execute();
          }
          return held;
        });
  }

  @Override
  public boolean conclude(
      ClaimedTest test,
      TestOutcome outcome,
      List<SampledCost> samples,
      Optional<SignedCertificate> certificate,
      Instant at) {
    return transact(
        handle -> {
          boolean held = updateOutcome(handle, test, outcome, at);
          if (held) {
            CertificateRows.insertSamples(handle, test.id(), samples);
            certificate.ifPresent(each -> CertificateRows.insert(handle, each));
          }
          return held;
        });
  }

  private static boolean updateOutcome(
      Handle handle, ClaimedTest test, TestOutcome outcome, Instant at) {
    SafetyTestNumbers numbers = outcome.numbers();
    TestState state = outcome.passed() ? TestState.PASSED : TestState.NO_SOLUTION_FOUND;
    return handle
            .createUpdate(
                """
                update safety_test set state = :state, ended_at = :at, judged_count = :n,
                  mean_cost = :mean, std_cost = :std, upper_bound = :upper,
                  failed_items_count = :failed
                where test_id = :id and claim = :claim and state = 'RUNNING'""")
            .bind("state", state.name())
            .bind("at", utc(at))
            .bind("n", numbers.n())
            .bind("mean", numbers.meanCost())
            .bind("std", numbers.stdCost())
            .bind("upper", numbers.upperBound())
            .bind("failed", outcome.failedItems())
            .bind("id", test.id())
            .bind("claim", test.claim())
            .execute()
        == 1;
  }

  @Override
  public Optional<Evidence> evidence(UUID certificateId) {
    return transact(handle -> CertificateRows.evidence(handle, certificateId));
  }

  @Override
  public void revoke(UUID certificateId, Revocation revocation) {
    read(handle -> CertificateRows.revoke(handle, certificateId, revocation));
  }

  @Override
  public Instant latestTime(Instant now) {
    return read(handle -> CertificateRows.latestTime(handle, now));
  }

  static OffsetDateTime utc(Instant instant) {
    return OffsetDateTime.ofInstant(instant, ZoneOffset.UTC);
  }

  private <T> T read(Function<Handle, T> work) {
    return guarded(() -> database.jdbi().withHandle(work::apply));
  }

  private <T> T transact(Function<Handle, T> work) {
    return guarded(() -> database.jdbi().inTransaction(work::apply));
  }

  /** Names the one failure that a caller can wait out; others are bugs and stay what they are. */
  private static <T> T guarded(Supplier<T> work) {
    try {
      return work.get();
    } catch (MeshException e) {
      throw e;
    } catch (RuntimeException e) {
      if (DatabaseFaults.isAway(e)) {
        throw DatabaseFaults.away(e);
      }
      throw e;
    }
  }
}
