package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunState;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs learn by each method of pricing harm. */
class ConstraintMethodTest extends RunServiceCase {
  private List<IterationMetrics> iterations(String constraint) {
    String runId = mesh.create(TestSpecs.spec("priced", "constraint: " + constraint)).getRunId();
    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    return mesh.get(runId).getIterationsList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{method: HC_RLHF}",
        "{method: HC_RLHF, multiplier: LINEAR, staleness: {kind: FADE}, buffer: 100}",
        "{method: PPO_LAGRANGIAN, staleness: {kind: DROP, versions: 1}}"
      })
  void aMultiplierMovesWithTheHarm(String constraint) {
    List<IterationMetrics> iterations = iterations(constraint);

    assertThat(iterations).hasSize(3);
    for (IterationMetrics each : iterations) {
      assertThat(each.getConstraints(0).hasBound()).isTrue();
      assertThat(each.getConstraints(0).getTarget()).isEqualTo(0.4);
      assertThat(each.getKlNats()).isNotNegative();
    }
    double first = iterations.getFirst().getConstraints(0).getBound();
    assertThat(Math.signum(iterations.getFirst().getLambda() - 1))
        .isEqualTo(Math.signum(first - 0.4));
  }

  @Test
  void aMovingMeanIsOverTheLatestCosts() {
    List<IterationMetrics> iterations = iterations("{method: PPO_LAGRANGIAN, buffer: 12}");

    assertThat(iterations.get(0).getConstraints(0).getBound())
        .isCloseTo(iterations.get(0).getMeanCost(), within(1e-12));
    assertThat(iterations.get(1).getConstraints(0).getBound())
        .isCloseTo(
            (iterations.get(0).getMeanCost() + iterations.get(1).getMeanCost()) / 2, within(1e-12));
  }

  @Test
  void aFixedPenaltyDoesNotMove() {
    assertThat(iterations("{method: FIXED_PENALTY, penalty: 0.75}"))
        .allSatisfy(
            each -> {
              assertThat(each.getLambda()).isEqualTo(0.75);
              assertThat(each.hasPessimisticCost()).isFalse();
              assertThat(each.getConstraints(0).hasTarget()).isFalse();
            });
  }

  @Test
  void aPriceAtItsCapIsAnAlarmAndEndsNothing() {
    String runId =
        mesh.create(
                TestSpecs.spec(
                    "capped", "constraint: {target: 0, lambda_init: 0.5, lambda_max: 0.5}"))
            .getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getAlarmsList()).extracting(RunAlarm::getIteration).containsExactly(1);
    RunAlarm alarm = run.getAlarms(0);
    assertThat(alarm.getKind()).isEqualTo(RunAlarmKind.RUN_ALARM_KIND_LAMBDA_AT_CAP);
    assertThat(alarm.getConstraint()).isEqualTo("harm");
    assertThat(alarm.getLimit()).isZero();
    assertThat(mesh.get(runId).getIterationsList())
        .allSatisfy(
            each -> {
              assertThat(each.getLambda()).isEqualTo(0.5);
              assertThat(each.getConstraints(0).getLambdaAtCap()).isTrue();
              assertThat(each.getAlarmsList()).hasSize(1);
            });
    assertThat(mesh.meters.get("ballast.run.alarms").tag("kind", "LAMBDA_AT_CAP").counter().count())
        .as("told once")
        .isEqualTo(1);
  }
}
