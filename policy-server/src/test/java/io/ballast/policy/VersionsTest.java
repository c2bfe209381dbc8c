package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.testing.FakeCertificates;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Versions are registered, promoted with a certificate, rolled back; no call notices a swap. */
class VersionsTest {
  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  VersionsTest() {
    models.publish("2", request -> "suggestion by 2;");
    models.publish("3", request -> "suggestion by 3;");
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void theFirstStartRegistersTheDefaultModelAndPointsServingToIt() {
    PolicyAlias serving = serving();

    assertThat(serving.getVersion()).isEqualTo("1");
    assertThat(serving.getRevision()).isEqualTo(1);
    assertThat(serving.getMovesList()).extracting(AliasMove::getKind).containsExactly("create");
    assertThat(models.loads).containsExactly("java-tiny/1");
  }

  @Test
  void aLaterStartServesWhatWasPromoted() {
    Promotions.promote(mesh, "1", "2");

    try (TestMesh again = mesh.startBeside()) {
      assertThat(again.suggest("a").getText()).isEqualTo("suggestion by 2;");
    }
  }

  @Test
  void aRegisteredVersionIsListedNewestFirstWithItsFacts() {
    register("2");
    register("3");

    List<PolicyVersion> versions =
        mesh.versions().listVersions(ListVersionsRequest.getDefaultInstance()).getVersionsList();

    assertThat(versions)
        .extracting(version -> version.getVersion().getVersion())
        .containsExactly("3", "2", "1");
    assertThat(versions.getFirst().getParentVersion()).isEqualTo("1");
    assertThat(versions.getFirst().getRunId()).isEqualTo("run-7");
    assertThat(versions.getFirst().getParametersCount()).isEqualTo(3_500_000);
    assertThat(versions.getFirst().getContextTokens()).isEqualTo(FakeDecoder.CONTEXT_TOKENS);
    assertThat(versions.getFirst().getVersion().getWeightsSha256())
        .isEqualTo(FakeModels.sha256("3"));
  }

  @Test
  void registeringTwiceIsOnce() {
    assertThat(register("2")).isEqualTo(register("2"));
  }

  @Test
  void aFolderThatIsMissingOrCorruptIsNotRegistered() {
    models.damage("2");

    assertFails(
        () -> register("9"),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        "no model folder java-tiny/9");
    assertFails(
        () -> register("2"),
        Status.Code.DATA_LOSS,
        Fault.CORRUPT_WEIGHTS,
        "java-tiny/2: the checksum differs");
  }

  @Test
  void aPromotionMovesTheAliasAndSaysWhatAllowedIt() {
    PolicyAlias moved = Promotions.promote(mesh, "1", "2");

    assertThat(moved.getVersion()).isEqualTo("2");
    assertThat(moved.getRevision()).isEqualTo(2);
    assertThat(moved.getMoves(0).getKind()).isEqualTo("promote");
    assertThat(moved.getMoves(0).getFromVersion()).isEqualTo("1");
    assertThat(moved.getMoves(0).getCertificateId()).isEqualTo("certificate-of-2");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 2;");
  }

  @Test
  void withoutACertificateTheGateStaysClosed() {
    register("2");
    mesh.safety.certificates.issue("of-other-weights", "3", "1");

    assertFails(
        () -> promote("1", "2", ""),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate_id: empty; version 2 of java-tiny needs a certificate to be promoted");
    assertFails(
        () -> promote("1", "2", "unknown"),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate unknown does not allow version 2 of java-tiny: no such certificate");
    assertFails(
        () -> promote("1", "2", "of-other-weights"),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate of-other-weights does not allow version 2 of java-tiny: weights: differ");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void aCertificateOfTheSameWeightsUnderAnotherNameOpensNothing() {
    register("2");
    String sha256 = FakeModels.sha256("2");
    ModelVersion.Builder named = ModelVersion.newBuilder().setWeightsSha256(sha256);
    mesh.safety.certificates.issue(
        "of-twin", named.setModel("twin").setVersion("2").build(), FakeCertificates.version("1"));
    mesh.safety.certificates.issue(
        "of-b",
        named.setModel("java-tiny").setVersion("2b").build(),
        FakeCertificates.version("1"));
    mesh.safety.certificates.lies = true;

    for (String twin : List.of("twin/2", "java-tiny/2b")) {
      String certificate = twin.startsWith("twin") ? "of-twin" : "of-b";
      assertFails(
          () -> promote("1", "2", certificate),
          Status.Code.FAILED_PRECONDITION,
          Fault.SAFETY_GATE_CLOSED,
          "certificate %s does not allow version 2 of java-tiny: it names %s with weights %s, this is java-tiny/2 with weights %s"
              .formatted(certificate, twin, sha256, sha256));
    }
    assertThat(serving().getVersion()).isEqualTo("1");
  }

  @Test
  void aCertificateThatNobodyCanVerifyOpensNothing() {
    register("2");
    mesh.safety.certificates.issue("c", "2", "1");
    mesh.safety.down = true;

    assertFails(
        () -> promote("1", "2", "c"),
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the safety-server could not verify certificate c: UNAVAILABLE");
    assertThat(serving().getVersion()).isEqualTo("1");
  }

  @Test
  void aPromotionThatExpectsAnotherVersionConflicts() {
    register("3");
    Promotions.promote(mesh, "1", "2");
    mesh.safety.certificates.issue("c", "3", "1");

    assertFails(
        () -> promote("1", "3", "c"),
        Status.Code.ABORTED,
        Fault.VERSION_CONFLICT,
        "alias serving of java-tiny points to 2, expected_version is '1'");
  }

  @Test
  void ofManyPromotionsAtOnceFromTheSameVersionOneWins() throws Exception {
    register("2");
    register("3");
    mesh.safety.certificates.issue("c2", "2", "1");
    mesh.safety.certificates.issue("c3", "3", "1");
    try (TestMesh beside = mesh.startBeside()) {
      beside.safety.certificates.issue("c2", "2", "1");
      beside.safety.certificates.issue("c3", "3", "1");
      List<Callable<PolicyAlias>> promotions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        String version = i % 2 == 0 ? "2" : "3";
        TestMesh replica = i < 2 ? mesh : beside;
        promotions.add(() -> promote(replica, "1", version, "c" + version));
      }

      int winners = 0;
      for (Future<PolicyAlias> future : all(promotions)) {
        try {
          assertThat(future.get().getRevision()).isEqualTo(2);
          winners++;
        } catch (ExecutionException e) {
          assertThat(Status.fromThrowable(e.getCause()).getCode()).isEqualTo(Status.Code.ABORTED);
        }
      }
      assertThat(winners).isEqualTo(1);
      assertThat(serving().getRevision()).isEqualTo(2);
    }
  }

  @Test
  void aPromotionUnderTheSameKeyHasItsEffectOnceAndGetsTheFirstAnswer() {
    register("2");
    mesh.safety.certificates.issue("c", "2", "1");
    PromoteAliasRequest request =
        PromoteAliasRequest.newBuilder()
            .setMetadata(TestMesh.metadata("", "promote-2"))
            .setExpectedVersion("1")
            .setNewVersion("2")
            .setCertificateId("c")
            .build();

    PolicyAlias first = mesh.versions().promoteAlias(request).getAlias();
    mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
    PolicyAlias repeated = mesh.versions().promoteAlias(request).getAlias();

    assertThat(repeated).isEqualTo(first);
    assertThat(serving().getVersion()).isEqualTo("1");
    assertFails(
        () -> mesh.versions().promoteAlias(request.toBuilder().setNewVersion("1").build()),
        Status.Code.INVALID_ARGUMENT,
        Fault.MALFORMED_REQUEST,
        "metadata.idempotency_key: 'promote-2' was used for another request");
  }

  @Test
  void aRollbackNeedsNoCertificate() {
    Promotions.promote(mesh, "1", "2");

    PolicyAlias back =
        mesh.versions()
            .rollBackAlias(RollBackAliasRequest.newBuilder().setExpectedVersion("2").build())
            .getAlias();

    assertThat(back.getVersion()).isEqualTo("1");
    assertThat(back.getMovesList())
        .extracting(AliasMove::getKind)
        .containsExactly("roll_back", "promote", "create");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void anAliasThatNeverMovedCannotBeRolledBack() {
    assertNothingToRollBackTo();
  }

  @Test
  void aSecondRollbackDoesNotBringBackWhatTheFirstTookAway() {
    Promotions.promote(mesh, "1", "2");
    mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());

    assertNothingToRollBackTo();

    assertThat(serving().getVersion()).isEqualTo("1");
  }

  @Test
  void rollbacksGoFurtherAndFurtherBack() {
    register("2");
    register("3");
    mesh.safety.certificates.issue("two", "2", "1");
    mesh.safety.certificates.issue("two again", "2", "1");
    mesh.safety.certificates.issue("three", "3", "2");
    promote("1", "2", "two");
    mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
    promote("1", "2", "two again");
    promote("2", "3", "three");

    List<String> served = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      served.add(
          mesh.versions()
              .rollBackAlias(RollBackAliasRequest.getDefaultInstance())
              .getAlias()
              .getVersion());
    }

    assertThat(served).containsExactly("2", "1");
    assertNothingToRollBackTo();
  }

  private void assertNothingToRollBackTo() {
    assertFails(
        () -> mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "no version served before 1 as serving of java-tiny: there is nothing to roll back to");
  }

  @Test
  void previousIsWhereServingPointedBefore() {
    Promotions.promote(mesh, "1", "2");

    SuggestResponse answer =
        mesh.policy()
            .suggest(
                SuggestRequest.newBuilder()
                    .setPrompt("a")
                    .setPolicy(ModelSelector.newBuilder().setAlias("previous"))
                    .build());

    assertThat(answer.getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void theOldVersionClosesOnlyWhenItsCallsEnd() throws InterruptedException {
    ListenableFuture<SuggestResponse> call =
        mesh.policyAsync()
            .suggest(SuggestRequest.newBuilder().setPrompt(FakeDecoder.ENDLESS).build());
    FakeDecoder old = models.decoder("1");
    assertThat(old.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    Promotions.promote(mesh, "1", "2");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 2;");
    assertThat(old.isClosed()).isFalse();

    call.cancel(true);
    assertThat(old.closes.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void noCallFailsWhileVersionsAreSwapped() throws Exception {
    register("2");
    mesh.safety.certificates.issue("c", "2", "1");
    AtomicBoolean swapping = new AtomicBoolean(true);
    CountDownLatch callersStarted = new CountDownLatch(4);
    List<Callable<Integer>> callers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      callers.add(
          () -> {
            int calls = 0;
            callersStarted.countDown();
            while (swapping.get()) {
              String text = mesh.policy().suggest(ungated()).getText();
              assertThat(text).isIn("suggestion by 1;", "suggestion by 2;");
              calls++;
            }
            return calls;
          });
    }
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> results = callers.stream().map(executor::submit).toList();
      callersStarted.await();
      try {
        for (int i = 0; i < 20; i++) {
          mesh.safety.certificates.issue("c" + i, "2", "1");
          promote("1", "2", "c" + i);
          mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
        }
      } finally {
        swapping.set(false);
      }
      for (Future<Integer> result : results) {
        assertThat(result.get()).isPositive();
      }
    }
    assertThat(serving().getRevision()).isEqualTo(41);
    assertThat(mesh.meters.get("ballast.policy.loaded.versions").gauge().value()).isEqualTo(1);
  }

  @Test
  void atAStartOnlyWhatServesByDefaultIsLoaded() {
    models.publishModel("other", request -> "by another;");
    models.loads.clear();
    try (TestMesh beside = mesh.startBeside(Map.of("ballast.policy.default-model", "other"))) {
      assertThat(models.loads).containsExactly("other/1");
      assertThat(beside.suggest("a").getText()).isEqualTo("by another;");

      SuggestResponse answer =
          beside
              .policy()
              .suggest(
                  SuggestRequest.newBuilder()
                      .setPrompt("a")
                      .setPolicy(ModelSelector.newBuilder().setModel(FakeModels.MODEL))
                      .build());

      assertThat(answer.getText()).isEqualTo("suggestion by 1;");
      assertThat(models.loads).containsExactly("other/1", "java-tiny/1");
    }
  }

  @Test
  void aVersionForWhichThereIsNoMemoryIsNotPromoted() {
    register("2");
    mesh.safety.certificates.issue("c", "2", "1");
    models.room = 1;

    assertFails(
        () -> promote("1", "2", "c"),
        Status.Code.RESOURCE_EXHAUSTED,
        Fault.OVERLOADED,
        "java-tiny/2: needs 1 MiB, 0 MiB are free");
    assertThat(serving().getVersion()).isEqualTo("1");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void aReplicaFollowsWhatAnotherOnePromoted() {
    try (TestMesh beside = mesh.startBeside()) {
      Promotions.promote(mesh, "1", "2");

      assertThat(beside.suggest("a").getText()).isEqualTo("suggestion by 1;");
      beside.server.refreshAliases();
      assertThat(beside.suggest("a").getText()).isEqualTo("suggestion by 2;");
    }
  }

  @Test
  void ofPinnedVersionsOnlySoManyStayLoaded() {
    for (String version : List.of("a", "b", "c")) {
      models.publish(version, request -> "suggestion by " + version + ";");
      register(version);
      assertThat(suggestPinned(version)).isEqualTo("suggestion by " + version + ";");
    }

    assertThat(models.decoder("a").isClosed()).isTrue(); // idle longest, made room for c
    assertThat(models.decoder("b").isClosed()).isFalse();
    assertThat(models.decoder("1").isClosed()).isFalse(); // kept: an alias points to it
    assertThat(suggestPinned("a")).isEqualTo("suggestion by a;");
    assertThat(models.loads)
        .containsExactly("java-tiny/1", "java-tiny/a", "java-tiny/b", "java-tiny/c", "java-tiny/a");
  }

  @Test
  void whenAllPinnedVersionsAreBusyAnotherOneIsRefused() throws InterruptedException {
    try (TestMesh narrow = TestMesh.start(Map.of("ballast.policy.max-pinned-versions", "1"))) {
      narrow.models.publish("2", request -> "two");
      narrow.models.publish("3", request -> "three");
      registerIn(narrow, "2");
      registerIn(narrow, "3");
      SuggestRequest endless =
          SuggestRequest.newBuilder().setPrompt(FakeDecoder.ENDLESS).setPolicy(pinned("2")).build();
      assertThat(narrow.policy().suggest(endless.toBuilder().setPrompt("a").build()).getText())
          .isEqualTo("two");
      ListenableFuture<SuggestResponse> call = narrow.policyAsync().suggest(endless);
      assertThat(narrow.models.decoder("2").endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

      assertFails(
          () ->
              narrow
                  .policy()
                  .suggest(endless.toBuilder().setPrompt("a").setPolicy(pinned("3")).build()),
          Status.Code.RESOURCE_EXHAUSTED,
          Fault.OVERLOADED,
          "1 pinned versions are loaded and busy, limit 1");
      call.cancel(true);
    }
  }

  private PolicyVersion register(String version) {
    return registerIn(mesh, version);
  }

  private static PolicyVersion registerIn(TestMesh mesh, String version) {
    return mesh.versions()
        .registerVersion(
            RegisterVersionRequest.newBuilder()
                .setVersion(version)
                .setParentVersion("1")
                .setRunId("run-7")
                .build())
        .getVersion();
  }

  private PolicyAlias promote(String expected, String version, String certificate) {
    return promote(mesh, expected, version, certificate);
  }

  private static PolicyAlias promote(
      TestMesh mesh, String expected, String version, String certificate) {
    return mesh.versions()
        .promoteAlias(
            PromoteAliasRequest.newBuilder()
                .setExpectedVersion(expected)
                .setNewVersion(version)
                .setCertificateId(certificate)
                .build())
        .getAlias();
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }

  private String suggestPinned(String version) {
    return mesh.policy()
        .suggest(ungated().toBuilder().setPolicy(pinned(version)).build())
        .getText();
  }

  private static ModelSelector pinned(String version) {
    return ModelSelector.newBuilder().setVersion(version).build();
  }

  private static SuggestRequest ungated() {
    return SuggestRequest.newBuilder().setPrompt("a").setGateMode(GateMode.GATE_MODE_OFF).build();
  }

  private static <T> List<Future<T>> all(List<Callable<T>> tasks) throws InterruptedException {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      return executor.invokeAll(tasks);
    }
  }
}
