package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The two stages of an answer are of one gate, also where the gate is swapped between them. */
class GateSwapTest {
  private final TestMesh mesh = TestMesh.start();
  private final AtomicInteger swaps = new AtomicInteger();

  GateSwapTest() {
    serve("1", GateOutcome.GATE_OUTCOME_REFER);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aGateThatIsSwappedBetweenTheStagesIsAskedForBoth() {
    mesh.safety.afterStageOne = () -> swapOnce(GateOutcome.GATE_OUTCOME_REFER);

    SuggestResponse answer = mesh.suggest("a");

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getStageOne().getModelVersion().getVersion()).isEqualTo("2");
    assertThat(answer.getStageTwo().getModelVersion().getVersion()).isEqualTo("2");
    assertThat(answer.getDegradationsList()).isEmpty();
    assertThat(mesh.safety.generationRequests)
        .extracting(request -> request.getExplorationSeed())
        .as("the same question, the same draw")
        .hasSize(2)
        .containsOnly(mesh.safety.generationRequests.getFirst().getExplorationSeed());
  }

  @Test
  void whatTheNewStageOneWithholdsIsNotShown() {
    mesh.safety.afterStageOne = () -> swapOnce(GateOutcome.GATE_OUTCOME_WITHHOLD);

    SuggestResponse answer = mesh.suggest("a");

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_WITHHOLD);
    assertThat(answer.getReason())
        .isEqualTo(DecisionReason.DECISION_REASON_CONTEXT_LIKELY_REJECTED);
    assertThat(answer.getText()).isEmpty();
    assertThat(answer.hasStageTwo()).as("it had no say").isFalse();
  }

  @Test
  void stagesThatStayOfTwoGatesCountAsNone() {
    mesh.safety.stageTwo = stage("suggestion", "2", "context", GateOutcome.GATE_OUTCOME_PASS);

    SuggestResponse answer = mesh.suggest("a");

    assertThat(answer.getReason()).isEqualTo(DecisionReason.DECISION_REASON_GATE_UNAVAILABLE);
    assertThat(answer.getDegradationsList())
        .extracting(Degradation::getMessage)
        .containsExactly("its gate is being swapped: the two stages are not of one gate");
    assertThat(answer.hasStageTwo()).isFalse();
  }

  private void swapOnce(GateOutcome stageOne) {
    if (swaps.getAndIncrement() == 0) {
      serve("2", stageOne);
    }
  }

  private void serve(String version, GateOutcome stageOne) {
    mesh.safety.stageOne = stage("context", version, "suggestion", stageOne);
    mesh.safety.stageTwo = stage("suggestion", version, "context", GateOutcome.GATE_OUTCOME_PASS);
  }

  private static GateStageAnswer stage(
      String model, String version, String other, GateOutcome outcome) {
    return answer(outcome, 0.5, 1).toBuilder()
        .setModelVersion(version(model, version))
        .setOtherGateVersion(version(other, version))
        .build();
  }

  private static ModelVersion version(String model, String version) {
    return ModelVersion.newBuilder().setModel(model).setVersion(version).build();
  }
}
