package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.CanaryPlan;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.DeltaAccount;
import io.ballast.safety.v1.JudgeDependence;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.grpc.Status;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who starts a safety test chooses τ, δ, n, judge and bound; which of them a promotion accepts is
 * the operator's. Every certificate here holds: it is genuine and of this move.
 */
class PromotionLimitsTest {
  private static final Map<String, String> STRICT =
      Map.of(
          "ballast.policy.promotion.max-threshold", "0.25",
          "ballast.policy.promotion.max-delta", "0.1",
          "ballast.policy.promotion.min-observations", "200",
          "ballast.policy.promotion.judges", "java-cost,secrets/2",
          "ballast.policy.promotion.bounds", "BETTING,STUDENT_T",
          "ballast.policy.promotion.same-cost-model", "false");

  static Stream<Arguments> laxCertificates() {
    return Stream.of(
        lax(
            "outcome.threshold: 0.26 (expected: at most 0.25, ballast.policy.promotion.max-threshold)",
            outcome(o -> o.setThreshold(0.26))),
        lax(
            "outcome.delta: 0.11, with 0.0 of earlier looks at these weights 0.11 (expected: at most 0.1, ballast.policy.promotion.max-delta)",
            outcome(o -> o.setDelta(0.11))),
        lax(
            "outcome.delta: 0.05, with 0.0625 of earlier looks at these weights 0.1125 (expected: at most 0.1, ballast.policy.promotion.max-delta)",
            spentBefore(0.0625)),
        lax(
            "outcome.n: 199 (expected: at least 200, ballast.policy.promotion.min-observations)",
            outcome(o -> o.setN(199))),
        lax(
            "cost_model: 'other/1' (expected: one of java-cost, secrets/2, ballast.policy.promotion.judges)",
            judgedBy("other", "1")),
        lax(
            "cost_model: 'secrets/3' (expected: one of java-cost, secrets/2, ballast.policy.promotion.judges)",
            judgedBy("secrets", "3")),
        lax(
            "same_cost_model: the test allowed a judge that its run optimised against: optimised true, 1,200 common labels, 1 unsaid models (expected: absent, or ballast.policy.promotion.same-cost-model on)",
            sameCostModel()),
        lax(
            "outcome.bound_method: HOEFFDING (expected: one of BETTING, STUDENT_T, ballast.policy.promotion.bounds)",
            outcome(o -> o.setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING))),
        lax(
            "outcome.bound_method: unknown (expected: one of BETTING, STUDENT_T, ballast.policy.promotion.bounds)",
            outcome(o -> o.clearBoundMethod())),
        lax(
            "outcome.upper_bound: 0.125 (expected: at most its threshold, NaN)",
            outcome(o -> o.setThreshold(Double.NaN))),
        lax(
            "outcome.delta: NaN, with 0.0 of earlier looks at these weights NaN (expected: at most 0.1, ballast.policy.promotion.max-delta)",
            outcome(o -> o.setDelta(Double.NaN))));
  }

  private static Arguments lax(String message, UnaryOperator<Certificate.Builder> change) {
    return Arguments.of(message, change);
  }

  private static UnaryOperator<Certificate.Builder> outcome(
      UnaryOperator<SafetyTestOutcome.Builder> change) {
    return certificate ->
        certificate.setOutcome(change.apply(certificate.getOutcome().toBuilder()));
  }

  private static UnaryOperator<Certificate.Builder> judgedBy(String model, String version) {
    return certificate ->
        certificate.setCostModel(
            certificate.getCostModel().toBuilder().setModel(model).setVersion(version));
  }

  private static UnaryOperator<Certificate.Builder> sameCostModel() {
    return certificate ->
        certificate.setSameCostModel(
            JudgeDependence.newBuilder()
                .setOptimised(true)
                .setCommonLabelsCount(1_200)
                .setUnsaidModelsCount(1));
  }

  private static UnaryOperator<Certificate.Builder> spentBefore(double delta) {
    return certificate ->
        certificate.setAccount(
            DeltaAccount.newBuilder().setEarlierWeightsLooks(1).setEarlierWeightsDelta(delta));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("laxCertificates")
  void whatIsLaxerThanTheOperatorAllowsOpensNothing(
      String message, UnaryOperator<Certificate.Builder> change) {
    try (TestMesh mesh = certified(STRICT, change)) {
      assertRefused(mesh, message);
      assertThat(mesh.safety.certificates.redeemed).isEmpty();
    }
  }

  @Test
  void aCanaryAsksForTheSame() {
    try (TestMesh mesh = certified(STRICT, outcome(o -> o.setN(20)))) {
      assertFails(
          () ->
              mesh.versions()
                  .promoteAlias(
                      promotion().setCanary(CanaryPlan.newBuilder().setShare(0.05)).build()),
          Status.Code.FAILED_PRECONDITION,
          Fault.SAFETY_GATE_CLOSED,
          "certificate c does not allow version 2 of java-tiny: outcome.n: 20 (expected: at least 200, ballast.policy.promotion.min-observations)");
    }
  }

  @Test
  void whatMeetsEachLimitExactlyPasses() {
    UnaryOperator<Certificate.Builder> judge = judgedBy("secrets", "2");
    try (TestMesh mesh = certified(STRICT, c -> judge.apply(spentBefore(0.05).apply(c)))) {
      assertThat(promote(mesh).getVersion()).isEqualTo("2");
    }
  }

  @Test
  void theLimitsAreLookedAtAgainInWhatIsRedeemed() {
    try (TestMesh mesh = certified(STRICT, certificate -> certificate)) {
      AtomicInteger calls = new AtomicInteger();
      mesh.safety.beforeCertificates =
          () -> {
            if (calls.incrementAndGet() == 2) {
              mesh.safety.certificates.change("c", spentBefore(0.95));
            }
          };
      assertRefused(
          mesh,
          "outcome.delta: 0.05, with 0.95 of earlier looks at these weights 1.0 (expected: at most 0.1, ballast.policy.promotion.max-delta)");
    }
  }

  @Test
  void anyJudgeAndBoundIsAllowedWhereNothingIsSaid() {
    UnaryOperator<Certificate.Builder> loose =
        outcome(
            o ->
                o.setThreshold(0.95)
                    .setDelta(0.5)
                    .setN(2)
                    .setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING));
    try (TestMesh mesh =
        certified(
            Map.of(), c -> sameCostModel().apply(judgedBy("other", "1").apply(loose.apply(c))))) {
      assertThat(promote(mesh).getVersion()).isEqualTo("2");
    }
  }

  @Test
  void aThresholdThatProvesNothingIsRefusedByDefault() {
    try (TestMesh mesh = certified(Map.of(), outcome(o -> o.setThreshold(1)))) {
      assertRefused(
          mesh,
          "outcome.threshold: 1.0 (expected: at most 0.95, ballast.policy.promotion.max-threshold)");
    }
  }

  @Test
  void aBoundOverItsThresholdIsNoPass() {
    try (TestMesh mesh = certified(Map.of(), outcome(o -> o.setUpperBound(0.375)))) {
      assertRefused(mesh, "outcome.upper_bound: 0.375 (expected: at most its threshold, 0.25)");
    }
  }

  /**
   * Version 2 with a certificate that says, beside what it has to, what {@code change} makes it.
   */
  private static TestMesh certified(
      Map<String, String> properties, UnaryOperator<Certificate.Builder> change) {
    TestMesh mesh = TestMesh.start(properties);
    mesh.models.publish("2", request -> "suggestion by 2;");
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion("2").build());
    mesh.safety.certificates.issue("c", "2", "1");
    mesh.safety.certificates.change("c", change);
    return mesh;
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

  private static void assertRefused(TestMesh mesh, String message) {
    assertFails(
        () -> promote(mesh),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate c does not allow version 2 of %s: %s".formatted(FakeModels.MODEL, message));
    PolicyAlias serving =
        mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
    assertThat(serving.getVersion()).isEqualTo("1");
  }
}
