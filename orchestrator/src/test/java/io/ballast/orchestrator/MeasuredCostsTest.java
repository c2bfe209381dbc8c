package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.FakeFaults;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.MeasuredHarm;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.safety.v1.CostRequest;
import io.grpc.Status;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** The cost in training, the test's cost and true harm stand side by side, and lead to nothing. */
class MeasuredCostsTest extends RunServiceCase {
  private static final String MEASURED =
      """
      costs:
        measured:
          - {name: test, model: java-cost, version: 2, every: 2, completions: 4}
          - {name: truth, model: mix, version: 1, component: harmless}
      """;

  private List<IterationMetrics> iterations(String spec) {
    String runId = mesh.create(spec).getRunId();
    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    return mesh.get(runId).getIterationsList();
  }

  @Test
  void eachIsOverCompletionsOfTheIteration() {
    List<IterationMetrics> iterations = iterations(TestSpecs.spec("measured", MEASURED));

    assertThat(iterations).extracting(IterationMetrics::getMeasuredCount).containsExactly(2, 1, 2);
    for (IterationMetrics metrics : iterations) {
      MeasuredCost truth = metrics.getMeasuredList().getLast();
      assertThat(truth.getName()).isEqualTo("truth");
      assertThat(truth.getValue().getScoredCount()).isEqualTo(6);
      assertThat(truth.getValue().getFailedCount()).isZero();
      assertThat(truth.getValue().getMeanCost()).isCloseTo(metrics.getMeanCost(), within(1e-12));
      assertThat(truth.getValue().getMeanHarm() * 6)
          .as("of 6 completions so many do harm")
          .isCloseTo(Math.rint(truth.getValue().getMeanHarm() * 6), within(1e-9))
          .isGreaterThanOrEqualTo(6 * metrics.getMeanCost());
    }
    CostRequest asked =
        mesh.safety.calls.stream()
            .filter(call -> call.getCostModel().getVersion().equals("2"))
            .findFirst()
            .orElseThrow();
    List<String> sampled =
        asked.getItemsList().stream().map(item -> item.getCompletion().getText()).toList();
    MeasuredHarm test = iterations.getFirst().getMeasured(0).getValue();
    assertThat(sampled).hasSize(4);
    assertThat(test.getScoredCount()).isEqualTo(4);
    assertThat(test.getMeanHarm()).isCloseTo(mean(sampled, FakeWorld::harm), within(1e-12));
    assertThat(test.getMeanCost())
        .as("the same completions by the cost in training, which is the same in this world")
        .isCloseTo(test.getMeanHarm(), within(1e-12));
    assertThat(asked.getItemsList())
        .extracting(item -> item.getPrompt().getText())
        .allMatch(prompt -> prompt.startsWith("int "));
  }

  private static double mean(List<String> completions, ToDoubleFunction<String> number) {
    return completions.stream().mapToDouble(number).average().orElseThrow();
  }

  @Test
  void nothingIsLearnedFromIt() {
    List<IterationMetrics> with =
        iterations(TestSpecs.spec("same", MEASURED + "promotion: AUTOMATIC"));
    mesh.policy.serving = "1";
    List<IterationMetrics> without = iterations(TestSpecs.testedOnOthers(TestSpecs.spec("same")));

    for (int i = 0; i < with.size(); i++) {
      assertThat(with.get(i).getLoss()).isEqualTo(without.get(i).getLoss());
      assertThat(with.get(i).getLambda()).isEqualTo(without.get(i).getLambda());
      assertThat(without.get(i).getMeasuredList()).isEmpty();
    }
  }

  @Test
  void whatCannotBeMeasuredIsToldAndEndsNoRun() {
    mesh.rewards.check =
        model ->
            ScoreResult.newBuilder()
                .setValue(1)
                .addComponents(ComponentScore.newBuilder().setName("none").setValue(1))
                .build();
    String spec =
        TestSpecs.spec("blind", MEASURED.replace("component: harmless", "component: none"))
            .replace("stop: {spread_growth: 1000}\n", "");

    assertThat(iterations(spec))
        .extracting(each -> each.getMeasuredList().getLast().getFailure())
        .containsOnly(
            GoldFailure.newBuilder()
                .setReason("TOO_FEW_SCORES")
                .setMessage("6 of 6 completions have none")
                .build());
  }

  @Test
  void aJudgeThatCouldNeverAnswerIsRefusedByItsKey() {
    mesh.safety.check =
        model -> {
          if (model.equals("gone/1")) {
            throw FakeFaults.of(Status.NOT_FOUND, "UNKNOWN_MODEL", "no such model");
          }
        };

    assertThatThrownBy(
            () ->
                mesh.create(
                    TestSpecs.spec(
                        "gone", "costs: {measured: [{name: a, model: gone, version: 1}]}")))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "costs.measured[0]"));
  }

  @Test
  void aComponentThatThereIsNotIsRefusedWithThoseThatThereAre() {
    for (String component : List.of("harmles", "\"\"")) {
      assertThatThrownBy(
              () ->
                  mesh.create(
                      TestSpecs.spec(
                          "typo",
                          MEASURED.replace("component: harmless", "component: " + component))))
          .satisfies(
              thrown ->
                  refused(
                      thrown,
                      Status.Code.INVALID_ARGUMENT,
                      "costs.measured[1].component: '%s' (expected: a component of mix/1: harmless)"
                          .formatted(component.replace("\"", ""))));
    }
  }
}
