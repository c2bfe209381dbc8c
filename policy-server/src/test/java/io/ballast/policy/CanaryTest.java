package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.CanaryArm;
import io.ballast.policy.v1.CanaryNumbers;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A canary serves a part of the requests, always the same people, until somebody ends it. */
class CanaryTest {
  private static final String REASON = "harms more than it may";

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  CanaryTest() {
    models.publish("2", request -> "suggestion by 2;");
    models.publish("3", request -> "suggestion by 3;");
    mesh = TestMesh.start(models);
  }

  @BeforeEach
  void certify() {
    for (String version : List.of("2", "3")) {
      var unused =
          mesh.versions()
              .registerVersion(RegisterVersionRequest.newBuilder().setVersion(version).build());
      mesh.safety.certificates.issue("c" + version, version, "1");
    }
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void itServesItsShareAndTheAliasStays() {
    PolicyAlias begun = begin("2", 0.5);

    assertThat(begun.getVersion()).isEqualTo("1");
    assertThat(begun.getRevision()).isEqualTo(2);
    assertThat(begun.getCanary().getVersion()).isEqualTo("2");
    assertThat(begun.getCanary().getShare()).isEqualTo(0.5);
    assertThat(begun.getCanary().getStartRevision()).isEqualTo(2);
    assertThat(begun.getCanary().getStartTime().getSeconds())
        .isEqualTo(TestClock.START.getEpochSecond());
    assertThat(begun.getMoves(0).getKind()).isEqualTo("canary");
    assertThat(begun.getMoves(0).getCertificateId()).isEqualTo("c2");
    assertThat(begun.getMoves(0).getRedemptionId()).startsWith("leave-");
    List<String> texts = texts();
    assertThat(texts).contains("suggestion by 1;", "suggestion by 2;");
    assertThat(texts()).as("everybody stays on one side").isEqualTo(texts);
    assertThat(mesh.safety.certificates.redeemed).hasSize(1);
  }

  @Test
  void eachDecisionSaysWhichSideItIsOf() {
    SuggestResponse before = suggest(mesh, "t0");
    begin("2", 0.5);

    for (int i = 0; i < 20; i++) {
      SuggestResponse answer = suggest(mesh, "t" + i);
      SuggestionRecord record = recordOf(answer, "t" + i);
      assertThat(record.getAliasRevision()).isEqualTo(2);
      assertThat(record.getArm())
          .isEqualTo(
              answer.getPolicyVersion().getVersion().equals("2")
                  ? CanaryArm.CANARY_ARM_CANARY
                  : CanaryArm.CANARY_ARM_CONTROL);
    }
    assertThat(recordOf(before, "t0").getArm()).isEqualTo(CanaryArm.CANARY_ARM_UNSPECIFIED);
    assertThat(recordOf(before, "t0").getAliasRevision()).isEqualTo(1);
  }

  @Test
  void whoNamesAVersionAndTrainersAreNotOfIt() {
    begin("2", 0.5);
    SuggestResponse named =
        mesh.policy()
            .suggest(
                SuggestRequest.newBuilder()
                    .setPrompt("a")
                    .setPolicy(ModelSelector.newBuilder().setVersion("1"))
                    .build());
    assertThat(recordOf(named, "").getArm()).isEqualTo(CanaryArm.CANARY_ARM_UNSPECIFIED);
    assertThat(recordOf(named, "").getAliasRevision()).isZero();

    for (int i = 0; i < 20; i++) {
      assertThat(
              mesh.policy()
                  .sample(
                      SampleRequest.newBuilder()
                          .setMetadata(TestMesh.metadata("t" + i, ""))
                          .addPrompts(TextOrTokens.newBuilder().setText("a"))
                          .build())
                  .getPolicyVersion()
                  .getVersion())
          .isEqualTo("1");
    }
  }

  @Test
  void anotherReplicaServesTheSameSides() {
    begin("2", 0.5);
    try (TestMesh beside = mesh.startBeside()) {
      beside.clock.advance(Duration.ofSeconds(1)); // or it would issue the same ids
      for (int i = 0; i < 20; i++) {
        assertThat(suggest(beside, "t" + i).getText()).isEqualTo(suggest(mesh, "t" + i).getText());
      }
      end("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK);
      beside.server.refreshAliases();
      assertThat(IntStream.range(0, 20).mapToObj(i -> suggest(beside, "t" + i).getText()))
          .containsOnly("suggestion by 1;");
    }
  }

  @Test
  void usersPartIfTheServerIsSetSo() {
    try (TestMesh byUser = mesh.startBeside(Map.of("ballast.policy.canary-sticky", "USER"))) {
      begin("2", 0.5);
      byUser.clock.advance(Duration.ofSeconds(1));
      byUser.server.refreshAliases();
      assertThat(
              IntStream.range(0, 20)
                  .mapToObj(
                      i ->
                          byUser
                              .policy()
                              .suggest(
                                  SuggestRequest.newBuilder()
                                      .setPrompt("a")
                                      .setUser("user " + i)
                                      .build())
                              .getText()))
          .contains("suggestion by 1;", "suggestion by 2;");
    }
  }

  @Test
  void completedItServesEverybodyByTheLeaveOfItsBeginning() {
    PolicyAlias begun = begin("2", 0.1);

    PolicyAlias ended = end("2", CanaryOutcome.CANARY_OUTCOME_COMPLETE);

    assertThat(ended.getVersion()).isEqualTo("2");
    assertThat(ended.hasCanary()).isFalse();
    AliasMove move = ended.getMoves(0);
    assertThat(move.getKind()).isEqualTo("canary_complete");
    assertThat(move.getFromVersion()).isEqualTo("1");
    assertThat(move.getRedemptionId()).isEqualTo(begun.getMoves(0).getRedemptionId());
    assertThat(move.getCertificateId()).isEqualTo("c2");
    assertThat(move.getReason()).isEqualTo(REASON);
    assertThat(move.getCanaryShare()).isEqualTo(0.1);
    assertThat(texts()).containsOnly("suggestion by 2;");
    assertThat(rollBack().getVersion()).isEqualTo("1");
  }

  @Test
  void rolledBackNobodyIsServedByItAndTheNumbersStayOnRecord() {
    begin("2", 0.5);
    mesh.safety.down = true; // to roll back needs no other server
    CanaryNumbers numbers =
        CanaryNumbers.newBuilder()
            .setCanaryDecisionsCount(412)
            .setCanaryMeanCost(0.2)
            .setCanaryCostLowerBound(0.11)
            .setCostThreshold(0.1)
            .setAlpha(0.05)
            .build();

    PolicyAlias ended =
        mesh.versions()
            .endCanary(
                ending("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK).setNumbers(numbers).build())
            .getAlias();

    assertThat(ended.getVersion()).isEqualTo("1");
    assertThat(ended.getRevision()).isEqualTo(3);
    assertThat(ended.hasCanary()).isFalse();
    assertThat(ended.getMoves(0).getKind()).isEqualTo("canary_roll_back");
    assertThat(ended.getMoves(0).getCanaryNumbers()).isEqualTo(numbers);
    assertThat(ended.getMoves(0).getCertificateId()).isEmpty();
    mesh.safety.down = false;
    assertThat(texts()).containsOnly("suggestion by 1;");
    assertThat(mesh.meters.get("ballast.policy.loaded.versions").gauge().value()).isEqualTo(1);
  }

  @Test
  void whatWasRolledBackAsACanaryNeverServedSoNoRollbackGoesThere() {
    begin("2", 0.5);
    end("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK);

    assertFails(
        this::rollBack,
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "no version served before 1 as serving of java-tiny: there is nothing to roll back to");
  }

  @Test
  void anEndIsOfTheCanaryThatIsUnderWay() {
    assertNoSuchCanary(ending("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK), "no canary", "2");
    begin("2", 0.5);
    assertNoSuchCanary(
        ending("3", CanaryOutcome.CANARY_OUTCOME_COMPLETE), "the canary 2 since revision 2", "3");
    assertNoSuchCanary(
        ending("2", CanaryOutcome.CANARY_OUTCOME_COMPLETE).setStartRevision(7),
        "the canary 2 since revision 2",
        "2 since revision 7");
    assertThat(serving().hasCanary()).isTrue();
  }

  private void assertNoSuchCanary(EndCanaryRequest.Builder request, String has, String asked) {
    assertFails(
        () -> mesh.versions().endCanary(request.build()),
        Status.Code.ABORTED,
        Fault.VERSION_CONFLICT,
        "alias serving of java-tiny has %s, not version %s".formatted(has, asked));
  }

  @Test
  void anEndUnderTheSameKeyHasItsEffectOnce() {
    begin("2", 0.5);
    EndCanaryRequest request =
        ending("2", CanaryOutcome.CANARY_OUTCOME_COMPLETE)
            .setMetadata(TestMesh.metadata("", "end"))
            .build();

    PolicyAlias first = mesh.versions().endCanary(request).getAlias();

    assertThat(mesh.versions().endCanary(request).getAlias()).isEqualTo(first);
    assertThat(serving().getRevision()).isEqualTo(3);
  }

  @Test
  void whatWasRevokedIsNotCompleted() {
    begin("2", 0.5);
    mesh.safety.certificates.revoke("c2", "a leak");

    assertFails(
        () -> end("2", CanaryOutcome.CANARY_OUTCOME_COMPLETE),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate c2 does not allow version 2 of java-tiny: revoked: a leak");
    assertThat(end("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK).getVersion()).isEqualTo("1");
  }

  @Test
  void withoutACertificateNobodyIsServedByIt() {
    assertFails(
        () -> mesh.versions().promoteAlias(beginning("2", 0.5).setCertificateId("").build()),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate_id: empty; version 2 of java-tiny needs a certificate to be promoted");
    assertThat(serving().getRevision()).isEqualTo(1);
  }

  @Test
  void aPromotionWaitsForItsEndAndARollbackEndsIt() {
    begin("2", 0.5);
    String busy = "version 2 is the canary of serving of java-tiny: end it first";
    assertFails(
        () -> begin("3", 0.5), Status.Code.FAILED_PRECONDITION, Fault.PRECONDITION_FAILED, busy);
    end("2", CanaryOutcome.CANARY_OUTCOME_COMPLETE);
    mesh.safety.certificates.issue("c3", "3", "2");
    var unused = mesh.versions().promoteAlias(beginning("3", 0.5).setExpectedVersion("2").build());

    PolicyAlias back = rollBack();

    assertThat(back.getVersion()).isEqualTo("1");
    assertThat(back.hasCanary()).isFalse();
    assertThat(texts()).containsOnly("suggestion by 1;");
  }

  @Test
  void sharesReasonsAndOutcomesThatCannotBe() {
    for (double share : new double[] {0, -0.1, 0.50001, 0.00001, 0.00015, Double.NaN}) {
      assertRefused(
          () -> begin("2", share),
          "canary.share: " + share + " (expected: 0.0001 to 0.5, in steps of 0.0001)");
    }
    assertRefused(
        () ->
            mesh.versions()
                .endCanary(
                    ending("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK)
                        .setReason("because")
                        .build()),
        "reason: 7 characters (expected: 10 to 1,000)");
    assertRefused(
        () -> mesh.versions().endCanary(EndCanaryRequest.getDefaultInstance()),
        "outcome: unknown (expected: ROLL_BACK or COMPLETE)");
    assertRefused(
        () ->
            mesh.versions()
                .endCanary(
                    ending("2", CanaryOutcome.CANARY_OUTCOME_ROLL_BACK)
                        .setStartRevision(-1)
                        .build()),
        "start_revision: -1 (expected: at least 0)");
  }

  private List<String> texts() {
    return IntStream.range(0, 20).mapToObj(i -> suggest(mesh, "t" + i).getText()).toList();
  }

  private static SuggestResponse suggest(TestMesh mesh, String tenant) {
    return mesh.policy()
        .suggest(
            SuggestRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setPrompt("a")
                .build());
  }

  private SuggestionRecord recordOf(SuggestResponse answer, String tenant) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setSuggestionId(answer.getSuggestionId())
                .build())
        .getSuggestion();
  }

  private PolicyAlias begin(String version, double share) {
    return mesh.versions().promoteAlias(beginning(version, share).build()).getAlias();
  }

  private static PromoteAliasRequest.Builder beginning(String version, double share) {
    return PromoteAliasRequest.newBuilder()
        .setExpectedVersion("1")
        .setNewVersion(version)
        .setCertificateId("c" + version)
        .setCanary(CanaryPlan.newBuilder().setShare(share));
  }

  private PolicyAlias end(String version, CanaryOutcome outcome) {
    return mesh.versions().endCanary(ending(version, outcome).build()).getAlias();
  }

  private static EndCanaryRequest.Builder ending(String version, CanaryOutcome outcome) {
    return EndCanaryRequest.newBuilder()
        .setCanaryVersion(version)
        .setOutcome(outcome)
        .setReason(REASON);
  }

  private PolicyAlias rollBack() {
    return mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()).getAlias();
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }
}
