package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Machines are told why no test was started, so that they know whether other prompts would do. */
class RefusedLooksTest extends SafetyTestsCase {
  @Test
  void promptsThatWereUsed() {
    mesh.run(of("a", "1", s -> s));

    assertThat(refused(of("b", "1", s -> s))).isEqualTo("PROMPTS_SPENT");
  }

  @Test
  void aSetThatClosed() {
    mesh.run(of("a", "1", RefusedLooksTest::split));

    assertThat(refused(of("b", "1", RefusedLooksTest::split))).isEqualTo("SET_CLOSED");
  }

  @Test
  void aSetWhoseRuleIsAnother() {
    mesh.run(of("harmful", "1", RefusedLooksTest::split));

    assertThat(refused(of("b", "1", s -> split(s).setLooks(4)))).isEqualTo("OTHER_RULE");
  }

  @Test
  void aPoolThatIsUsedUp() {
    mesh.run(of("a", "1", s -> s.setDrawCount(2)));

    assertThat(refused(of("b", "1", s -> s.setDrawCount(2)))).isEqualTo("POOL_USED_UP");
  }

  @Test
  void weightsWhoseDeltaIsSpent() {
    mesh.run(of("harmful", "1", s -> s));

    assertThat(refused(of("harmful", "2", s -> s))).isEqualTo("WEIGHTS_SPENT");
  }

  @Test
  void anAccountWhoseLooksAreTakenOrOfAnotherRule() {
    UnaryOperator<SafetyTestSpec.Builder> one = s -> s.setAccount("run-7").setAccountLooks(1);
    mesh.run(of("a", "1", one));

    assertThat(refused(of("b", "2", one))).isEqualTo("ACCOUNT_SPENT");
    assertThat(refused(of("b", "2", s -> one.apply(s).setAccountLooks(2))))
        .isEqualTo("OTHER_ACCOUNT_RULE");
  }

  @Test
  void aJudgeThatWasOptimisedAgainst() {
    assertThat(
            refused(
                of("a", "1", s -> s.setCostModel(s.getCostModel().toBuilder().setVersion("1")))))
        .isEqualTo("SAME_COST_MODEL");
    // nothing was spent
    assertThat(mesh.run(of("a", "1", s -> s)).getCertificateId()).isNotEmpty();
  }

  private static SafetyTestSpec.Builder split(SafetyTestSpec.Builder spec) {
    return spec.setReuse(ReuseRule.REUSE_RULE_SPLIT).setLooks(3);
  }

  private String refused(StartSafetyTestRequest request) {
    return PeerFaults.errorInfo(refusal(() -> mesh.safety().startSafetyTest(request)))
        .orElseThrow()
        .getMetadataOrThrow("refusal");
  }

  private static StartSafetyTestRequest of(
      String candidate, String prompts, UnaryOperator<SafetyTestSpec.Builder> change) {
    return spec(
        testOf(List.of(prompts + " x", prompts + " y", prompts + " z")),
        s -> change.apply(s.setCandidate(FakePolicyServer.candidate(candidate))));
  }
}
