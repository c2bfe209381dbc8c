package io.ballast.kit.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal.Proof;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which rights lead where, and how often. */
class AccessTest {
  private static Principal with(Right... rights) {
    return new Principal(
        "someone", Optional.empty(), EnumSet.copyOf(Arrays.asList(rights)), Proof.JWT);
  }

  @ParameterizedTest
  @CsvSource({
    "APPLICATION, ballast.policy.v1.PolicyService/Suggest, true",
    "APPLICATION, ballast.policy.v1.PolicyService/Sample, false",
    "APPLICATION, ballast.policy.v1.VersionService/PromoteAlias, false",
    "APPLICATION, ballast.policy.v1.FeedbackService/StreamTrainingRecords, false",
    "TRAINER, ballast.learner.v1.LearnerService/ForwardBackward, true",
    "TRAINER, ballast.policy.v1.VersionService/PromoteAlias, false",
    "TRAINER, ballast.safety.v1.SafetyService/RevokeCertificate, false",
    "OPERATOR, ballast.policy.v1.VersionService/BreakGlassAlias, true",
    "OPERATOR, ballast.safety.v1.SafetyService/RedeemCertificate, false",
    "AUDITOR, ballast.policy.v1.FeedbackService/ReplayDecision, true",
    "AUDITOR, ballast.orchestrator.v1.RunService/CreateRun, false",
    "AUDITOR, inference.GRPCInferenceService/ModelInfer, false",
    "PEER, ballast.safety.v1.SafetyService/RedeemCertificate, true",
    "PEER, ballast.policy.v1.VersionService/BreakGlassAlias, false",
    "OPERATOR, ballast.policy.v1.PolicyService/Unheard, false"
  })
  void aRightLeadsToItsRpcsAndToNoOthers(Right right, String method, boolean leads) {
    if (leads) {
      assertThat(RpcAccess.require(with(right), method)).isEqualTo(right);
      return;
    }
    assertThatThrownBy(() -> RpcAccess.require(with(right), method))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.FORBIDDEN))
        .hasMessageStartingWith("someone may not call " + method + " (expected: ");
  }

  @Test
  void ofSeveralRightsTheFirstThatLeadsThereCounts() {
    Principal both = with(Right.OPERATOR, Right.APPLICATION);

    assertThat(RpcAccess.require(both, "ballast.policy.v1.PolicyService/Suggest"))
        .isEqualTo(Right.APPLICATION);
    assertThat(RpcAccess.require(both, "ballast.policy.v1.PolicyService/Sample"))
        .isEqualTo(Right.OPERATOR);
  }

  @Test
  void whoIsBoundToATenantChangesNothingOfAllTenants() {
    Principal operatorOfA =
        new Principal("op", Optional.of("a"), Set.of(Right.OPERATOR), Proof.JWT);

    assertThatThrownBy(
            () -> RpcAccess.require(operatorOfA, "ballast.policy.v1.VersionService/PromoteAlias"))
        .hasMessageContaining("is about every tenant");
    assertThat(RpcAccess.require(operatorOfA, "ballast.orchestrator.v1.RunService/CreateRun"))
        .isEqualTo(Right.OPERATOR);
    assertThat(RpcAccess.rows().keySet())
        .as("each that is mesh-wide has a row")
        .filteredOn(RpcAccess::isMeshWide)
        .hasSize(12);
  }

  @Test
  void onlyHealthIsAnybodys() {
    assertThat(RpcAccess.isPublic("grpc.health.v1.Health/Check")).isTrue();
    assertThat(RpcAccess.isPublic("grpc.health.v1.HealthX/Check")).isFalse();
    assertThat(RpcAccess.rows().keySet()).noneMatch(RpcAccess::isPublic);
  }

  @Test
  void eachTenantHasItsOwnCallsASecondByEachRight() {
    RateLimits limits = new RateLimits(Map.of(Right.APPLICATION, 3));
    Principal a = new Principal("someone", Optional.of("a"), Set.of(Right.APPLICATION), Proof.JWT);
    Principal b = new Principal("other", Optional.of("b"), Set.of(Right.APPLICATION), Proof.JWT);

    // of so many at once some are too many, wherever the second turns
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 10_000; i++) {
                limits.count(a, Right.APPLICATION);
              }
            })
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.OVERLOADED);
              assertThat(e.metadata()).containsEntry(MeshException.SHED, "calls_per_second");
            })
        .hasMessage("tenant a: more than 3 calls a second as application, the limit; slow down");
    assertThatCode(() -> limits.count(b, Right.APPLICATION)).doesNotThrowAnyException();
    assertThatCode(
            () -> {
              for (int i = 0; i < 1_000; i++) {
                limits.count(a, Right.OPERATOR);
              }
            })
        .as("a right without a limit")
        .doesNotThrowAnyException();
  }

  @Test
  void serversThatCallEachOtherByTheMeshsTokenAreNotOneTenant() {
    RateLimits limits = new RateLimits(Map.of(Right.APPLICATION, 1));
    Principal server = Identities.token("s3cret").know("Bearer s3cret");
    String score = "ballast.reward.v1.RewardService/Score";

    assertThatCode(
            () -> {
              for (int i = 0; i < 1_000; i++) {
                limits.count(server, RpcAccess.require(server, score));
              }
            })
        .doesNotThrowAnyException();
  }

  @Test
  void aLimitIsAtLeastOne() {
    assertThatThrownBy(() -> new RateLimits(Map.of(Right.TRAINER, 0)))
        .hasMessage("ballast.security.calls-per-second.trainer: 0 (expected: ≥ 1)");
  }

  @Test
  void secretsAreInNoText() {
    IdentitySettings settings =
        new IdentitySettings(Optional.of("s3cret"), Map.of(), Optional.empty(), "0wn");

    assertThat(
            List.of(
                settings.toString(),
                new Credentials(Optional.of("Bearer s3cret"), Optional.empty(), "").toString(),
                new TokenAuthenticator("s3cret", Principal.ANYBODY).toString()))
        .noneMatch(text -> text.contains("s3cret") || text.contains("0wn"));
  }
}
