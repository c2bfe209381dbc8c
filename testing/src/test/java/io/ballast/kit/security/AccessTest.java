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

  private static void count(RateLimits limits, Principal principal, Right right, int calls) {
    for (int i = 0; i < calls; i++) {
      limits.count(principal, right);
    }
  }

  @Test
  void aNamedTenantHasLimitsOfItsOwnAndOtherwiseThoseOfAll() {
    RateLimits limits =
        new RateLimits(
            Map.of(Right.APPLICATION, 2, Right.AUDITOR, 4),
            Map.of("shop", Map.of(Right.APPLICATION, 1_000, Right.TRAINER, 3)));
    Set<Right> all = EnumSet.allOf(Right.class);
    Principal shop = new Principal("someone", Optional.of("shop"), all, Proof.JWT);
    Principal bank = new Principal("someone", Optional.of("bank"), all, Proof.JWT);
    Principal anyTenants = new Principal("shop", Optional.empty(), all, Proof.JWT);

    assertThatCode(() -> count(limits, shop, Right.APPLICATION, 1_000))
        .as("more than all have")
        .doesNotThrowAnyException();
    // of so many at once some are too many, wherever the second turns
    assertThatThrownBy(() -> count(limits, shop, Right.APPLICATION, 1_000_000))
        .hasMessage(
            "tenant shop: more than 1,000 calls a second as application, the limit; slow down");
    assertThatThrownBy(() -> count(limits, shop, Right.TRAINER, 10_000))
        .as("a limit where all have none")
        .hasMessageStartingWith("tenant shop: more than 3 calls a second as trainer");
    assertThatThrownBy(() -> count(limits, shop, Right.AUDITOR, 10_000))
        .as("none of its own")
        .hasMessageStartingWith("tenant shop: more than 4 calls a second as auditor");

    assertThatThrownBy(() -> count(limits, bank, Right.APPLICATION, 10_000))
        .hasMessageStartingWith("tenant bank: more than 2 calls a second as application");
    assertThatCode(() -> count(limits, bank, Right.TRAINER, 1_000)).doesNotThrowAnyException();
    assertThatThrownBy(() -> count(limits, anyTenants, Right.APPLICATION, 10_000))
        .as("of any tenant, whatever its name")
        .hasMessageStartingWith("shop: more than 2 calls a second as application");
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
    assertThatThrownBy(
            () -> new RateLimits(Map.of(), Map.of("shop", Map.of(Right.APPLICATION, -1))))
        .hasMessage(
            "ballast.security.tenants.\"shop\".calls-per-second.application: -1 (expected: ≥ 1)");
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
