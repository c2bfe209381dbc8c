package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.grpc.Status;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * An alias serves what was certified, file by file: the same weights with another tokenizer are
 * another candidate, whenever they come to lie in the folder.
 */
class CertifiedFolderTest {
  private static final String CERTIFIED = FakeModels.folderSha256Of(FakeModels.MODEL, "2");

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  CertifiedFolderTest() {
    models.publish("2", request -> "suggestion by 2;");
    models.publish("3", request -> "suggestion by 3;");
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void theMoveSaysWhichFolderWasCertified() {
    PolicyAlias moved = Promotions.promote(mesh, "1", "2");

    assertThat(moved.getMoves(0).getFolderSha256()).isEqualTo(CERTIFIED);
    assertThat(moved.getMoves(1).getFolderSha256()).as("created without one").isEmpty();
  }

  @Test
  void whatIsLoadedCountsNotWhatLiesInTheFolderBeside() {
    register(mesh, "2");
    pin(mesh, "2");
    models.repack("2", "another tokenizer");
    mesh.safety.certificates.issue("c", "2", "1");

    assertThat(folder(mesh, "2")).isEqualTo(CERTIFIED);
    assertThat(promote(mesh).getMoves(0).getFolderSha256()).isEqualTo(CERTIFIED);
  }

  @Test
  void aCertificateForTheFolderBesideDoesNotMoveTheAliasToWhatIsLoaded() {
    register(mesh, "2");
    pin(mesh, "2");
    String other = models.repack("2", "another tokenizer");
    mesh.safety.certificates.issue("c", "2", "1");
    mesh.safety.certificates.change("c", c -> c.setCandidateFolderSha256(other));

    assertClosed(
        () -> promote(mesh),
        "certificate c does not allow version 2 of java-tiny: folder: differs");
  }

  @Test
  void aFolderThatIsSwappedBeforeTheLoadIsNotServed() {
    register(mesh, "2");
    mesh.safety.certificates.issue("c", "2", "1");
    String swapped = models.repack("2", "another tokenizer");
    models.mend("2");
    mesh.safety.beforeCertificates =
        () -> {
          var unused = models.repack("2", "another tokenizer");
        };

    assertClosed(() -> promote(mesh), flaw(swapped));
    assertThat(serving().getVersion()).isEqualTo("1");
    assertThat(mesh.safety.certificates.redeemed).isEmpty();
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void afterARestartTheAliasDoesNotServeAnotherFolderAndSaysSo() {
    Promotions.promote(mesh, "1", "2");
    String other = models.repack("2", "another tokenizer");

    try (TestMesh again = mesh.startBeside()) {
      assertClosed(() -> again.suggest("a"), flaw(other));
      assertClosed(
          () ->
              again
                  .policy()
                  .sample(
                      SampleRequest.newBuilder()
                          .addPrompts(TextOrTokens.newBuilder().setText("a"))
                          .build()),
          flaw(other));
      assertThat(again.server.flaws()).containsExactly(entry(flaw(other)));
      assertThat(folder(again, "2")).isEqualTo(other);

      // a trainer who names the version gets it; the alias still does not serve it
      pin(again, "2");
      assertClosed(() -> again.suggest("a"), flaw(other));

      models.mend("2");
      assertThat(again.suggest("a").getText()).isEqualTo("suggestion by 2;");
      assertThat(again.server.flaws()).isEmpty();
    }
    assertThat(mesh.suggest("a").getText()).as("loaded before").isEqualTo("suggestion by 2;");
  }

  @Test
  void anAliasThatDoesNotServeIsRolledBack() {
    Promotions.promote(mesh, "1", "2");
    models.repack("2", "another tokenizer");

    try (TestMesh again = mesh.startBeside()) {
      var unused = again.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());
      assertThat(again.suggest("a").getText()).isEqualTo("suggestion by 1;");
      assertThat(again.server.flaws()).isEmpty();
    }
  }

  @Test
  void anotherReplicaDoesNotServeWhatItHasInAnotherFolder() {
    try (TestMesh replica = mesh.startBeside()) {
      Promotions.promote(mesh, "1", "2");
      String other = models.repack("2", "another tokenizer");

      replica.server.refreshAliases();

      assertClosed(() -> replica.suggest("a"), flaw(other));
      assertThat(replica.server.flaws()).containsExactly(entry(flaw(other)));
    }
  }

  @Test
  void aRollbackGoesToTheFolderThatServed() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "3");
    String other = models.repack("2", "another tokenizer");

    assertClosed(this::rollBack, flaw(other));
    assertThat(serving().getVersion()).isEqualTo("3");

    models.mend("2");
    assertThat(rollBack().getMoves(0).getFolderSha256()).isEqualTo(CERTIFIED);
    models.repack("2", "another tokenizer");
    try (TestMesh again = mesh.startBeside()) {
      assertClosed(() -> again.suggest("a"), flaw(other));
    }
  }

  @Test
  void theAliasPreviousIsHeldToItsFolderToo() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "3");
    String other = models.repack("2", "another tokenizer");

    assertClosed(
        () ->
            mesh.policy()
                .suggest(
                    SuggestRequest.newBuilder()
                        .setPrompt("a")
                        .setPolicy(ModelSelector.newBuilder().setAlias("previous"))
                        .build()),
        flaw(other));
  }

  @Test
  void aCanaryIsCompletedByTheFolderThatItBeganWith() {
    register(mesh, "2");
    mesh.safety.certificates.issue("c", "2", "1");
    var unused =
        mesh.versions()
            .promoteAlias(promotion().setCanary(CanaryPlan.newBuilder().setShare(0.5)).build());
    String other = models.repack("2", "another tokenizer");

    try (TestMesh again = mesh.startBeside()) {
      again.safety.certificates.issue("c", "2", "1");
      assertThat(again.server.flaws()).containsExactly(entry(flaw(other)));
      assertClosed(() -> complete(again), flaw(other));
      models.mend("2");
      assertThat(complete(again).getMoves(0).getFolderSha256()).isEqualTo(CERTIFIED);
    }
  }

  private static Map.Entry<String, String> entry(String flaw) {
    return Map.entry("serving of java-tiny", flaw);
  }

  private static String flaw(String folder) {
    return "version 2 of java-tiny: folder_sha256 %s (expected: %s, which was certified)"
        .formatted(folder, CERTIFIED);
  }

  private static void assertClosed(ThrowingCallable call, String message) {
    var unused =
        assertFails(call, Status.Code.FAILED_PRECONDITION, Fault.SAFETY_GATE_CLOSED, message);
  }

  private static void register(TestMesh mesh, String version) {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion(version).build());
  }

  /** Loads a version for a trainer. */
  private static void pin(TestMesh mesh, String version) {
    var unused =
        mesh.policy()
            .suggest(
                SuggestRequest.newBuilder()
                    .setPrompt("a")
                    .setPolicy(ModelSelector.newBuilder().setVersion(version))
                    .build());
  }

  private static String folder(TestMesh mesh, String version) {
    return mesh.versions()
        .getVersion(
            GetVersionRequest.newBuilder()
                .setSelector(ModelSelector.newBuilder().setVersion(version))
                .build())
        .getVersion()
        .getFolderSha256();
  }

  private static PromoteAliasRequest.Builder promotion() {
    return PromoteAliasRequest.newBuilder()
        .setExpectedVersion("1")
        .setNewVersion("2")
        .setCertificateId("c");
  }

  private static PolicyAlias promote(TestMesh mesh) {
    return mesh.versions().promoteAlias(promotion().build()).getAlias();
  }

  private static PolicyAlias complete(TestMesh mesh) {
    return mesh.versions()
        .endCanary(
            EndCanaryRequest.newBuilder()
                .setCanaryVersion("2")
                .setOutcome(CanaryOutcome.CANARY_OUTCOME_COMPLETE)
                .setReason("no harm was seen")
                .build())
        .getAlias();
  }

  private PolicyAlias rollBack() {
    return mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()).getAlias();
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }
}
