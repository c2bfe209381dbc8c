package io.ballast.safety.adapter;

import io.ballast.kit.call.Caller;
import io.ballast.kit.postgres.Database;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.CertificateRedemptions;
import io.ballast.safety.core.safetytest.ClaimedTest;
import io.ballast.safety.core.safetytest.LedgerEntry;
import io.ballast.safety.core.safetytest.NewTest;
import io.ballast.safety.core.safetytest.PromptSet;
import io.ballast.safety.core.safetytest.Revocation;
import io.ballast.safety.core.safetytest.SafetyTestStore;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.core.safetytest.StoredTest;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.core.safetytest.TestSpec;
import io.ballast.safety.core.safetytest.TestState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jdbi.v3.core.Handle;

/**
 * Tests and certificates in PostgreSQL. Whatever belongs together is one transaction: a test and
 * its look, an outcome with its costs and certificate, a failure and the look that it gives back.
 */
public final class PostgresSafetyTestStore implements SafetyTestStore {
  private static final String SHOWN =
      """
      select t.*, c.certificate_id, cardinality(t.prompts) as prompts_count,
      """
          + LedgerRows.COLUMNS
          + """

          from safety_test t left join certificate c on c.test_id = t.test_id
          """
          + LedgerRows.JOINS;

  /** Every draw that another test was faster than has let that test begin. */
  private static final int MOST_DRAWS = 64;

  private final SafetyDatabase database;

  public PostgresSafetyTestStore(Database database) {
    this.database = new SafetyDatabase(database);
  }

  @Override
  public Optional<KeyedTest> byKey(String tenant, String idempotencyKey) {
    return database.read(handle -> findByKey(handle, tenant, idempotencyKey));
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
  public Start start(NewTest test, LongSupplier seeds) {
    Start start = tryToStart(test, seeds, 0);
    for (int attempt = 1; start instanceof Start.LookSpent && attempt < MOST_DRAWS; attempt++) {
      if (test.draw().isEmpty()) {
        return start;
      }
      start = tryToStart(test, seeds, attempt); // another test took what was drawn: draw again
    }
    return start;
  }

  private Start tryToStart(NewTest test, LongSupplier seeds, int attempt) {
    return database.transact(
        handle -> {
          AccountRows.lock(handle, test);
          PromptSet prompts = test.spec().prompts();
          if (test.draw().isPresent()) {
            LedgerRows.Drawing drawing =
                LedgerRows.draw(handle, prompts, test.draw().get(), attempt);
            if (drawing.prompts().isEmpty()) {
              return keyedOr(handle, test, new Start.PoolUsedUp(drawing.left()));
            }
            prompts = drawing.prompts().get();
          }
          if (!insert(handle, test, test.spec().on(prompts, seeds.getAsLong()))) {
            return new Start.KeyUsed(keyed(handle, test).orElseThrow());
          }
          Optional<Start> refused =
              LedgerRows.take(handle, test, prompts).or(() -> AccountRows.refusal(handle, test));
          if (refused.isPresent()) {
            handle.rollback();
            return refused.get();
          }
          return new Start.Started(find(handle, test.id()).orElseThrow());
        });
  }

  /** The test of the same key may have drawn the last prompts of the pool. */
  private static Start keyedOr(Handle handle, NewTest test, Start otherwise) {
    Optional<KeyedTest> first = keyed(handle, test);
    return first.isPresent() ? new Start.KeyUsed(first.get()) : otherwise;
  }

  private static Optional<KeyedTest> keyed(Handle handle, NewTest test) {
    return findByKey(handle, test.caller().tenant(), test.caller().idempotencyKey());
  }

  private static boolean insert(Handle handle, NewTest test, TestSpec spec) {
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
                  candidate_folder_sha256, cost_folder_sha256, started_at, chunk,
                  prompt_groups, same_cost_model, judge_was_optimised, common_labels,
                  unsaid_models)
                values (:id, :tenant, nullif(:key, ''), :fingerprint, :run, 'RUNNING',
                  :candidate_model, :candidate_version, :candidate_sha256, :cost_model,
                  :cost_version, :cost_sha256, :optimised_models, :optimised_versions,
                  :optimised_sha256, :prompts, :prompts_sha256, :threshold, :delta, :method,
                  :temperature, :top_k, :top_p, :max_new_tokens, :stop_strings, :seed,
                  :max_prompt_tokens, :alias, :base_model, :base_version, :base_sha256,
                  :candidate_folder_sha256, :cost_folder_sha256, :at, :chunk,
                  :groups, :same_cost_model, :judge_was_optimised, :common_labels,
                  :unsaid_models)
                on conflict (tenant, idempotency_key) do nothing""")
            .bind("id", test.id())
            .bind("tenant", test.caller().tenant())
            .bind("key", test.caller().idempotencyKey())
            .bind("fingerprint", test.fingerprint())
            .bind("run", test.runId())
            .bindArray("prompts", String.class, spec.prompts().prompts())
            .bindArray("groups", String.class, spec.prompts().groups())
            .bind("prompts_sha256", spec.prompts().sha256())
            .bind("threshold", spec.threshold())
            .bind("delta", spec.delta())
            .bind("method", spec.boundMethod().name())
            .bind("max_prompt_tokens", spec.maxPromptTokens())
            .bind("chunk", spec.chunk())
            .bind("at", SafetyDatabase.utc(test.startedAt()));
    SafetyRows.bindVersions(update, spec.candidate(), spec.costModel(), spec.optimisedCostModels());
    SafetyRows.bindSampling(update, spec.sampling());
    SafetyRows.bindScope(update, spec.scope());
    return update.execute() == 1;
  }

  @Override
  public Optional<StoredTest> find(UUID id) {
    return database.read(handle -> find(handle, id));
  }

  private static Optional<StoredTest> find(Handle handle, UUID id) {
    return handle
        .createQuery(SHOWN + "where t.test_id = :id")
        .bind("id", id)
        .map((row, context) -> SafetyRows.storedTest(row))
        .findFirst();
  }

  @Override
  public List<StoredTest> list(String runId, Optional<String> tenant, int limit) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    SHOWN
                        + "where (:run = '' or t.run_id = :run)"
                        + " and (:tenant::text is null or t.tenant = :tenant)"
                        + " order by t.arrival desc limit :limit")
                .bind("run", runId)
                .bind("tenant", tenant.orElse(null))
                .bind("limit", limit)
                .map((row, context) -> SafetyRows.storedTest(row))
                .list());
  }

  @Override
  public List<StoredTest> testsOf(String model, String version, int limit) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    SHOWN
                        + "where t.candidate_model = :model and t.candidate_version = :version"
                        + " order by t.arrival desc limit :limit")
                .bind("model", model)
                .bind("version", version)
                .bind("limit", limit)
                .map((row, context) -> SafetyRows.storedTest(row))
                .list());
  }

  @Override
  public List<UUID> running() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    "select test_id from safety_test where state = 'RUNNING' order by arrival")
                .mapTo(UUID.class)
                .list());
  }

  @Override
  public Optional<ClaimedTest> claim(UUID id) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    update safety_test set claim = claim + 1, judged_count = 0
                    where test_id = :id and state = 'RUNNING'
                    returning *""")
                .bind("id", id)
                .map((row, context) -> claimed(handle, row))
                .findFirst());
  }

  private static ClaimedTest claimed(Handle handle, ResultSet row) throws SQLException {
    UUID id = row.getObject("test_id", UUID.class);
    return new ClaimedTest(
        id,
        row.getInt("claim"),
        row.getString("tenant"),
        SafetyRows.spec(row),
        LedgerRows.look(handle, id),
        AccountRows.account(handle, id));
  }

  @Override
  public Optional<ClaimedTest> tested(UUID id) {
    return database.read(
        handle ->
            handle
                .createQuery("select * from safety_test where test_id = :id")
                .bind("id", id)
                .map((row, context) -> claimed(handle, row))
                .findFirst());
  }

  @Override
  public boolean progress(ClaimedTest test, int judgedCount) {
    return database.read(
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
  public boolean fail(ClaimedTest test, String message, int returns, Instant at) {
    return database.transact(
        handle -> {
          String weights = test.spec().candidate().weightsSha256();
          AccountRows.lockWeights(handle, weights);
          int before = AccountRows.givenBack(handle, weights);
          boolean giveBack = before < returns;
          String told =
              giveBack || returns == 0
                  ? message
                  : "%s; its look is used up: %,d at these weights were given back before"
                      .formatted(message, before);
          boolean held = end(handle, test, TestState.FAILED, told, at);
          if (held && giveBack) {
            LedgerRows.giveBack(handle, test.id(), at);
          } else if (held) {
            LedgerRows.settle(handle, test.id());
          }
          return held;
        });
  }

  @Override
  public boolean abort(ClaimedTest test, String message, Instant at) {
    return database.transact(
        handle -> {
          boolean held = end(handle, test, TestState.ABORTED, message, at);
          if (held) {
            LedgerRows.settle(handle, test.id());
          }
          return held;
        });
  }

  private static boolean end(
      Handle handle, ClaimedTest test, TestState state, String message, Instant at) {
    return handle
            .createUpdate(
                """
                update safety_test
                set state = :state, failure_message = :message, ended_at = :at
                where test_id = :id and claim = :claim and state = 'RUNNING'""")
            .bind("state", state.name())
            .bind("message", message)
            .bind("at", SafetyDatabase.utc(at))
            .bind("id", test.id())
            .bind("claim", test.claim())
            .execute()
        == 1;
  }

  @Override
  public boolean conclude(
      ClaimedTest test,
      TestOutcome outcome,
      List<SampledCost> samples,
      Optional<SignedCertificate> certificate,
      Instant at) {
    return database.transact(
        handle -> {
          boolean held = updateOutcome(handle, test, outcome, at);
          if (held) {
            CertificateRows.insertSamples(handle, test.id(), samples);
            certificate.ifPresent(each -> CertificateRows.insert(handle, each));
            LedgerRows.settle(handle, test.id());
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
            .bind("at", SafetyDatabase.utc(at))
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
  public List<LedgerEntry> ledger(String promptsSha256, Optional<String> tenant, int limit) {
    return database.read(handle -> LedgerRows.list(handle, promptsSha256, tenant, limit));
  }

  @Override
  public Optional<Evidence> evidence(UUID certificateId) {
    return database.transact(handle -> CertificateRows.evidence(handle, certificateId));
  }

  @Override
  public void revoke(UUID certificateId, Revocation revocation) {
    database.transact(handle -> CertificateRows.revoke(handle, certificateId, revocation));
  }

  @Override
  public Optional<CertificateRedemptions.Redeemed> redeem(
      UUID certificateId, String alias, Caller caller, Redeeming redeeming) {
    return database.transact(
        handle -> RedemptionRows.redeem(handle, certificateId, alias, caller, redeeming));
  }

  @Override
  public Instant latestTime(Instant now, Duration skew) {
    return database.read(handle -> CertificateRows.latestTime(handle, now, skew));
  }
}
