package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.digest.Sha256;
import io.ballast.safety.adapter.JwsSeal;
import io.ballast.safety.adapter.PostgresSafetyTestStore;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.PromptSet;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestDatabase;
import io.ballast.safety.testing.TestKeys;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was stored before there was a ledger of looks keeps its looks, and can be ended. */
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class SafetyMigrationTest {
  /** What a certificate rests on, in an order that references allow. */
  private static final List<String> TABLES =
      List.of("safety_test", "look_set", "look", "look_prompt", "safety_test_cost", "certificate");

  private static final List<String> SHARED = List.of("shared one", "shared two", "O three");
  private static final List<String> OVERLAPPING = List.of("shared two", "own", "other");
  private static final List<String> GIVEN_BACK = List.of("free one", "free two");

  private final TestDatabase old = TestDatabase.asOf("2");
  private TestSafety mesh = TestSafety.startOn(old);

  private String passed = "";
  private String late = "";
  private String laterStill = "";
  private String overlapping = "";
  private String failed = "";

  @BeforeEach
  void migrate() {
    passed = insert("a", SHARED, "NO_SOLUTION_FOUND");
    late = insert("b", SHARED, "RUNNING");
    laterStill = insert("c", SHARED, "RUNNING");
    overlapping = insert("e", OVERLAPPING, "RUNNING");
    failed = insert("b", GIVEN_BACK, "FAILED");
    old.migrate();
    mesh.policy.register("c", "c".repeat(64));
    mesh.policy.register("e", "e".repeat(64));
    mesh.resumeTests();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void testsThatSharedASetEndAndItsPromptsStayUsed() {
    for (String id : List.of(late, laterStill)) { // O never comes, and the looks are given back
      SafetyTest test = mesh.await(id);
      assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
      assertThat(test.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);
    }
    assertThat(get(passed).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertThat(get(passed).getLook().getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);

    assertRefused(
        () -> start("d", List.of("shared one", "new")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 1 of 2 were used before, in test " + passed);
    assertRefused(
        () -> start("d", SHARED),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 3 of 3 were used before, in test " + passed);
    assertThat(ledger(SHARED)).hasSize(3);
  }

  @Test
  void testsThatSharedAPromptEndAndItStaysUsed() {
    SafetyTest test = mesh.await(overlapping);
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder()
                        .setCertificateId(test.getCertificateId())
                        .build())
                .getReason())
        .isEmpty();
    mesh.await(late);
    mesh.await(laterStill);

    assertRefused(
        () -> start("d", List.of("own", "shared two")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 2 of 2 were used before");
  }

  @Test
  void aLookThatWasGivenBackBeforeIsFree() {
    assertThat(get(failed).hasLook()).isFalse();

    assertThat(mesh.await(start("d", GIVEN_BACK).getTestId()).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3", "6"})
  void whatALedgerOfBeforeGaveBackIsMended(String version) {
    mesh.close();
    TestDatabase database = TestDatabase.asOf("2");
    mesh = TestSafety.startOn(database);
    mesh.policy.register("d", "d".repeat(64));
    String kept = insertInto(database, "a", SHARED, "NO_SOLUTION_FOUND");
    String freed = insertInto(database, "b", SHARED, "RUNNING");
    database.migrate(version);
    database
        .jdbi()
        .useHandle(
            handle -> { // as the code of that time did
              handle.execute(
                  "update look set given_back_at = now() where test_id = ?",
                  UUID.fromString(freed));
              handle.execute("update look_set set taken = taken - 1, closed = false");
              handle.execute("delete from look_prompt");
              handle.execute(
                  "update safety_test set state = 'FAILED', ended_at = now() where test_id = ?",
                  UUID.fromString(freed));
            });
    database.migrate();

    assertRefused(
        () -> start("d", List.of("shared one", "new")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 1 of 2 were used before, in test " + kept);
    assertRefused(
        () -> start("d", SHARED), Status.Code.FAILED_PRECONDITION, "3 of 3 were used before");
  }

  /** What it did not say then is absent, and its signature is over what it said. */
  @ParameterizedTest
  @ValueSource(strings = {"3", "4"})
  void aCertificateThatWasSignedBeforeHolds(String version) {
    mesh.close();
    TestDatabase database = TestDatabase.asOf(version);
    String id;
    try (TestSafety now = TestSafety.start(Map.of())) {
      id = now.run(testOf(prompts(30)).build()).getCertificateId();
      TABLES.forEach(table -> copy(database, table));
      SignedCertificate signed =
          new PostgresSafetyTestStore(now.database)
              .evidence(UUID.fromString(id))
              .orElseThrow()
              .signed()
              .orElseThrow();
      CertificateSeal.Seal seal =
          new JwsSeal(TestKeys.ONE).sign(signed.certificate(), before(signed.terms()));
      database
          .jdbi()
          .useHandle(
              handle ->
                  handle.execute(
                      "update certificate set jws = ?, key_id = ?", seal.jws(), seal.keyId()));
    }
    database.migrate();
    mesh = TestSafety.startOn(database);

    VerifyCertificateResponse found =
        mesh.safety()
            .verifyCertificate(VerifyCertificateRequest.newBuilder().setCertificateId(id).build());

    assertThat(found.getReason()).isEmpty();
    assertThat(found.getCertificate().getChunk()).isZero();
    assertThat(found.getCertificate().hasAccount()).isFalse();
    assertThat(found.getCertificate().getGroupsCount()).isZero();
    assertThat(found.getCertificate().getLedgerEntryId()).isNotEmpty();
  }

  private static CertificateTerms before(CertificateTerms now) {
    return new CertificateTerms(
        now.scope(),
        now.maxPromptTokens(),
        0,
        0,
        now.merkleRoot(),
        now.notAfter(),
        now.codeVersion(),
        now.ledgerEntryId(),
        now.look(),
        Optional.empty());
  }

  /** Copies a table of now into one of then, as far as it had the columns. */
  private static void copy(TestDatabase database, String table) {
    database
        .jdbi()
        .useHandle(
            handle -> {
              String columns =
                  handle
                      .createQuery(
                          """
                          select string_agg(o.column_name, ', ') from information_schema.columns o
                            join information_schema.columns n using (table_name, column_name)
                          where o.table_schema = 'old' and n.table_schema = 'safety'
                            and o.table_name = :table and o.is_identity = 'NO'""")
                      .bind("table", table)
                      .mapTo(String.class)
                      .one();
              handle.execute(
                  "insert into old.%1$s (%2$s) select %2$s from safety.%1$s"
                      .formatted(table, columns));
            });
  }

  private SafetyTest get(String id) {
    return mesh.safety()
        .getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(id).build())
        .getTest();
  }

  private SafetyTest start(String version, List<String> prompts) {
    mesh.policy.register(version, "d".repeat(64));
    StartSafetyTestRequest.Builder request = testOf(prompts);
    request.getSpecBuilder().setCandidate(FakePolicyServer.candidate(version));
    return mesh.safety().startSafetyTest(request.build()).getTest();
  }

  private List<LedgerEntry> ledger(List<String> prompts) {
    return mesh.safety()
        .getLedger(
            GetLedgerRequest.newBuilder().setPromptsSha256(new PromptSet(prompts).sha256()).build())
        .getEntriesList();
  }

  private String insert(String version, List<String> prompts, String state) {
    return insertInto(old, version, prompts, state);
  }

  /** Stores a test as version 1 of the schema had it, with its look at its prompts. */
  private static String insertInto(
      TestDatabase database, String version, List<String> prompts, String state) {
    UUID id = UUID.randomUUID();
    database
        .jdbi()
        .useHandle(
            handle -> {
              handle
                  .createUpdate(
                      """
                      insert into safety_test (test_id, tenant, fingerprint, run_id, state,
                        candidate_model, candidate_version, candidate_sha256, cost_model,
                        cost_version, cost_sha256, optimised_models, optimised_versions,
                        optimised_sha256, prompts, prompts_sha256, threshold, delta,
                        bound_method, temperature, top_k, top_p, max_new_tokens, stop_strings,
                        seed, max_prompt_tokens, started_at, ended_at, judged_count,
                        failed_items_count, mean_cost, std_cost, upper_bound)
                      values (:id, 'default', 'f', 'run-0', :state, :model, :version, :weights,
                        :cost_model, :cost_version, :cost_sha256, '{}', '{}', '{}', :prompts,
                        :set, 0.3, 0.1, 'STUDENT_T', 1, 0, 1, 24, '{}', 7, 0, now(),
                        case when :state <> 'RUNNING' then now() end, 3, 0, 0.5, 0.1, 0.6)""")
                  .bind("id", id)
                  .bind("state", state)
                  .bind("model", FakePolicyServer.MODEL)
                  .bind("version", version)
                  .bind("weights", version.repeat(64))
                  .bind("cost_model", FakeCostModels.TWO.model())
                  .bind("cost_version", FakeCostModels.TWO.version())
                  .bind("cost_sha256", FakeCostModels.TWO.weightsSha256())
                  .bindArray("prompts", String.class, prompts)
                  .bind("set", new PromptSet(prompts).sha256())
                  .execute();
              if (!state.equals("FAILED")) { // that gave its look back
                prompts.forEach(
                    prompt ->
                        handle.execute(
                            "insert into spent_prompt values (?, ?, ?)",
                            version.repeat(64),
                            Sha256.of(prompt),
                            id));
              }
            });
    return id.toString();
  }
}
