package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.v1.SafetyTestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a run does from its spec to its promotion. */
class RunServiceTest extends RunServiceCase {
  @Test
  void aRunIteratesTestsAndPromotes() {
    Run created = mesh.create(TestSpecs.spec("first"));
    Run run = mesh.awaitEnd(created.getRunId());

    assertThat(created.getName()).isEqualTo("first");
    assertThat(created.getBaseVersion().getVersion()).isEqualTo(TinyModel.VERSION);
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getMessage()).isEmpty();
    assertThat(run.getIterationsDone()).isEqualTo(3);
    assertThat(run.hasEndTime()).isTrue();
    String candidate = "first-" + run.getRunId().substring(0, 8);
    assertThat(run.getCandidateVersion().getModel()).isEqualTo(TinyModel.NAME);
    assertThat(run.getCandidateVersion().getVersion()).isEqualTo(candidate);
    assertThat(mesh.policy.serving).isEqualTo(candidate);
    assertThat(mesh.policy.promotions)
        .singleElement()
        .satisfies(
            promotion -> {
              assertThat(promotion.getExpectedVersion()).isEqualTo(TinyModel.VERSION);
              assertThat(promotion.getAlias()).isEqualTo("serving");
              assertThat(promotion.getCertificateId()).isEqualTo("certificate-" + run.getRunId());
            });
  }

  @Test
  void everyNumberOfAnIterationIsWhatHappened() {
    String runId = mesh.create(TestSpecs.spec("numbers")).getRunId();
    mesh.awaitEnd(runId);

    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    assertThat(iterations).extracting(IterationMetrics::getIteration).containsExactly(1, 2, 3);
    for (int i = 0; i < 3; i++) {
      IterationMetrics metrics = iterations.get(i);
      List<String> completions =
          mesh.rewards.calls.get(i).getItemsList().stream()
              .map(item -> item.getCompletion().getText())
              .toList();
      assertThat(metrics.getSamplesCount()).isEqualTo(6);
      assertThat(metrics.getDroppedCount()).isZero();
      assertThat(metrics.getMeanReward())
          .isCloseTo(mean(completions, FakeWorld::reward), within(1e-12));
      assertThat(metrics.getMeanSpread())
          .isCloseTo(mean(completions, FakeWorld::spread), within(1e-12));
      assertThat(metrics.getMeanCost())
          .isCloseTo(mean(completions, FakeWorld::harm), within(1e-12));
      assertThat(metrics.getMeanCompletionTokens())
          .isCloseTo(mean(completions, String::length), within(1e-12));
      if (metrics.getMeanCost() > 0) {
        assertThat(metrics.getPessimisticCost()).isGreaterThan(metrics.getMeanCost());
      }
      assertThat(metrics.getEntropyNats()).isBetween(0.0, Math.log(257));
      assertThat(metrics.getGradientNorm()).isPositive();
      assertThat(metrics.getLearnSeconds()).isPositive();
      assertThat(metrics.hasCommitTime()).isTrue();
    }
    assertThat(iterations.getFirst().getMeanCost()).isPositive();
    assertThat(iterations.getFirst().getKlNats()).as("before any update").isZero();
    assertThat(iterations.getLast().getKlNats()).as("after two updates").isPositive();
    // ln λ′ = ln 1 + 0.1·1·(UCB − 0.4), the target being the test's threshold
    assertThat(Math.log(iterations.getFirst().getLambda()))
        .isCloseTo(0.1 * (iterations.getFirst().getPessimisticCost() - 0.4), within(1e-12));
    for (IterationMetrics metrics : iterations) {
      assertThat(metrics.getConstraintsList())
          .containsExactly(
              ConstraintMetrics.newBuilder()
                  .setName("harm")
                  .setMeanCost(metrics.getMeanCost())
                  .setBound(metrics.getPessimisticCost())
                  .setTarget(0.4)
                  .setLambda(metrics.getLambda())
                  .build());
    }
    assertThat(mesh.get(runId).getRun().getLatest()).isEqualTo(iterations.getLast());
  }

  @Test
  void aKlThatNobodyNeedsIsAbsentWhereItIsKept() {
    String spec = TestSpecs.spec("unmeasured", "algorithm: DR_GRPO");
    String runId = mesh.create(spec.replace("kl: {stop_at: 1000}\n", "")).getRunId();
    Run run = mesh.awaitEnd(runId);

    // the first, every fifth after, and the last
    assertThat(mesh.get(runId).getIterationsList())
        .extracting(IterationMetrics::hasKlNats)
        .containsExactly(true, false, true);
    assertThat(run.getLatest().getKlNats()).isPositive();
  }

  @Test
  void anIterationTellsItsRoundsAndTheCostsOfAllThatWasSampledInThem() {
    String spec =
        TestSpecs.spec("rounds", "algorithm: DAPO\nshaping: []\nconstraint: {enabled: false}");
    String runId =
        mesh.create(spec.replace("completions_per_prompt: 3", "completions_per_prompt: 2"))
            .getRunId();
    Run run = mesh.awaitEnd(runId);

    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    int call = 0;
    for (IterationMetrics metrics : iterations) {
      List<String> completions = new ArrayList<>();
      for (int round = 0; round < metrics.getRounds().getRoundsCount(); round++) {
        mesh.rewards.calls.get(call++).getItemsList().stream()
            .map(item -> item.getCompletion().getText())
            .forEach(completions::add);
      }
      long kept =
          IntStream.range(0, completions.size() / 2)
              .filter(
                  pair ->
                      FakeWorld.reward(completions.get(2 * pair))
                          != FakeWorld.reward(completions.get(2 * pair + 1)))
              .count();
      assertThat(metrics.getRounds().getSampledGroupsCount()).isEqualTo(completions.size() / 2);
      assertThat(metrics.getRounds().getKeptGroupsCount()).isEqualTo((int) kept);
      assertThat(metrics.getSamplesCount()).isEqualTo(completions.size());
      assertThat(metrics.getLearning().getTrainedCount()).isEqualTo((int) (2 * kept));
      assertThat(metrics.getMeanCost())
          .isCloseTo(mean(completions, FakeWorld::harm), within(1e-12));
    }
    assertThat(mesh.rewards.calls).hasSize(call);
    assertThat(iterations)
        .anySatisfy(each -> assertThat(each.getRounds().getRoundsCount()).isGreaterThan(1));
    assertThat(run.getLatest()).isEqualTo(iterations.getLast());
  }

  private static double mean(List<String> completions, ToDoubleFunction<String> number) {
    return completions.stream().mapToDouble(number).average().orElseThrow();
  }

  @Test
  void eachIterationSamplesFromItsOwnWeightsWhichGoWhenTheRunEnds() throws IOException {
    String runId = mesh.create(TestSpecs.spec("pinned")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.policy.samples)
        .extracting(sample -> sample.getPolicy().getModel())
        .containsOnly(TinyModel.NAME + "-rollout");
    assertThat(mesh.policy.samples)
        .extracting(sample -> sample.getPolicy().getVersion())
        .containsExactly(runId + "-1", runId + "-2", runId + "-3");
    SampleRequest first = mesh.policy.samples.getFirst();
    assertThat(first.getCompletionsCount()).isEqualTo(3);
    assertThat(first.getMaxPromptTokens()).isEqualTo(64);
    assertThat(first.getSampling().getTemperature()).isEqualTo(1);
    assertThat(first.getSampling().getStopStringsList()).containsExactly("\n");
    assertThat(first.getSampling().getSeed())
        .isNotEqualTo(mesh.policy.samples.get(1).getSampling().getSeed());
    mesh.close(); // waits for the worker, which cleans up after the end is seen
    try (Stream<Path> left = Files.list(root.resolve("models/tiny-rollout"))) {
      assertThat(left).as("weights of a run that has ended").isEmpty();
    }
    try (Stream<Path> left = Files.list(root.resolve("learner/default"))) {
      assertThat(left).as("checkpoints of a run that has ended").isEmpty();
    }
  }

  @Test
  void thePeersAreAskedAsTheSpecSays() {
    String runId =
        mesh.create(
                TestSpecs.spec(
                    "asked",
                    """
                    reward: {model: r, version: 7, aggregation: UNCERTAINTY_WEIGHTED, uwo_lambda: 0.25}
                    cost: {model: c, version: 8}
                    """))
            .getRunId();
    mesh.awaitEnd(runId);

    ScoreRequest score = mesh.rewards.calls.getFirst();
    assertThat(score.getRewardModel().getModel()).isEqualTo("r");
    assertThat(score.getRewardModel().getVersion()).isEqualTo("7");
    assertThat(score.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_UWO);
    assertThat(score.getAggregation().getUwoLambda()).isEqualTo(0.25);
    assertThat(mesh.safety.calls.getFirst().getCostModel().getModel()).isEqualTo("c");
    assertThat(mesh.safety.calls.getFirst().getCostModel().getVersion()).isEqualTo("8");
    SafetyTestSpec test = mesh.safety.test(runId).getSpec();
    assertThat(test.getCandidate().getVersion()).startsWith("asked-");
    assertThat(test.getCostModel().getVersion()).isEqualTo("2");
    assertThat(test.getOptimisedCostModelsList())
        .singleElement()
        .satisfies(model -> assertThat(model.getModel() + model.getVersion()).isEqualTo("c8"));
    assertThat(test.getPromptsList()).containsExactly("long x", "long y", "long z");
    assertThat(test.getThreshold()).isEqualTo(0.4);
    assertThat(test.getDelta()).isEqualTo(0.1);
    assertThat(test.getSampling().hasSeed()).as("the safety-server draws it").isFalse();
  }

  @ParameterizedTest
  @EnumSource(BoundMethod.class)
  void theBoundOfTheSpecIsAskedForAndTold(BoundMethod bound) {
    String spec =
        TestSpecs.spec("bound", "constraint: {target: 0.4}")
            .replace("iterations: 3", "iterations: 1")
            .replace("  threshold: 0.4", "  threshold: 0.4\n  bound: " + bound);
    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    String name = "BOUND_METHOD_" + bound;
    assertThat(mesh.safety.test(run.getRunId()).getSpec().getBoundMethod().name()).isEqualTo(name);
    assertThat(run.getSafetyTest().getOutcome().getBoundMethod().name()).isEqualTo(name);
  }

  @Test
  void withTheConstraintOffCostsAreMeasuredOnly() {
    String runId = mesh.create(TestSpecs.spec("free", "constraint: {enabled: false}")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.get(runId).getIterationsList())
        .allSatisfy(
            metrics -> {
              assertThat(metrics.hasLambda()).isFalse();
              assertThat(metrics.hasPessimisticCost()).isFalse();
              assertThat(metrics.getMeanCost()).isPositive();
            });
    assertThat(mesh.safety.test(runId).getSpec().getOptimisedCostModelsList()).isEmpty();
  }
}
