package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.adapter.CompositePublisher;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was acknowledged is there after kill -9, and a run goes on as if nothing had been. */
class KillIT {
  private static final int ITERATIONS = 5;

  /**
   * What an ensemble's score may differ by in other company, which two runs never share: so weights
   * that learn from such scores, or from harm, are the same but for rounding only.
   */
  private static final double SAME_SCORE = 1e-5;

  /** A reward that rounds nothing: the fewer characters the better. */
  private static final String SHORT =
      """
      {
        "format": "ballast-composite",
        "components": {"length": {"kind": "length", "unit": "characters", "free": 0, "limit": 64}},
        "reward": "length"
      }
      """;

  private static final String BY_RULE =
      """
      reward: {model: short, version: 1, aggregation: NONE}
      constraint: {enabled: false}
      """;

  /** Completions are to be the same in any company: two runs never share all their batches. */
  private static final Map<String, String> INVARIANT =
      Map.of("ballast.policy.batch-invariant", "true");

  @TempDir private Path data = Path.of(".");

  @Test
  void feedbackSurvivesAndARunGoesOnWithNoSampleCountedTwice() {
    String spec = spec("held out");
    SuggestResponse suggestion;
    String killed;
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      suggestion = TestCalls.suggest(mesh.channel(), "int size = list.");
      TestCalls.accept(mesh.channel(), suggestion.getSuggestionId(), "the key");

      killed = TestCalls.create(mesh.channel(), spec);
      awaitIterations(mesh, killed, 2);
      mesh.kill();
    }
    assertThat(data.resolve("models").resolve("java-tiny-rollout"))
        .as("what a run samples from in one process has no folder, and is gone with it")
        .doesNotExist();
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      assertThat(TestCalls.accept(mesh.channel(), suggestion.getSuggestionId(), "the key"))
          .satisfies(answer -> assertThat(answer.getDuplicate()).isTrue());
      assertThat(TestCalls.recorded(mesh.channel(), suggestion.getSuggestionId()).getEventsCount())
          .isEqualTo(1);

      Run ended = TestCalls.awaitEnd(mesh.channel(), killed);
      assertThat(ended.getState())
          .isIn(RunState.RUN_STATE_HELD, RunState.RUN_STATE_NO_SOLUTION_FOUND);
      String whole = TestCalls.create(mesh.channel(), spec("held back"));
      var unused = TestCalls.awaitEnd(mesh.channel(), whole);

      GetRunResponse resumed = TestCalls.run(mesh.channel(), killed);
      assertThat(resumed.getIterationsList())
          .extracting(IterationMetrics::getIteration)
          .containsExactly(1, 2, 3, 4, 5);
      assertThat(resumed.getIterationsList())
          .allSatisfy(
              iteration ->
                  assertThat(iteration.getSamplesCount() + iteration.getDroppedCount())
                      .isEqualTo(8));
      assertThat(rewards(resumed))
          .containsExactly(rewards(TestCalls.run(mesh.channel(), whole)), within(SAME_SCORE));
    }
  }

  @Test
  void whereNoScoreRoundsTheWeightsAreTheSameBitByBit() throws IOException {
    var unused =
        new CompositePublisher(List.of(data.resolve("models")))
            .publish("short", "1", SHORT, Map.of());
    String killed;
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      killed = TestCalls.create(mesh.channel(), spec("held out") + BY_RULE);
      awaitIterations(mesh, killed, 2);
      mesh.kill();
    }
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      Run resumed = TestCalls.awaitEnd(mesh.channel(), killed);
      String whole = TestCalls.create(mesh.channel(), spec("held back") + BY_RULE);
      Run never = TestCalls.awaitEnd(mesh.channel(), whole);

      assertThat(resumed.getState())
          .isIn(RunState.RUN_STATE_HELD, RunState.RUN_STATE_NO_SOLUTION_FOUND);
      assertThat(never.getMessage())
          .as("the safety-server has tested the same weights before, and they have one delta")
          .contains("1 look at these weights");
      // the updates after the kill were taken with AdamW's moments of before: a bit of them that
      // was lost would be one of the weights
      assertThat(resumed.getCandidateVersion().getWeightsSha256())
          .isEqualTo(never.getCandidateVersion().getWeightsSha256())
          .isNotEqualTo(resumed.getBaseVersion().getWeightsSha256());
      assertThat(learned(TestCalls.run(mesh.channel(), killed)))
          .hasSize(ITERATIONS)
          .isEqualTo(learned(TestCalls.run(mesh.channel(), whole)))
          .anySatisfy(iteration -> assertThat(iteration.gradientNorm()).isPositive());
    }
  }

  /** Numbers of an iteration that no server's company has a part in. */
  private record Learned(
      double reward, double kl, double entropy, double tokens, double loss, double gradientNorm) {}

  private static List<Learned> learned(GetRunResponse run) {
    return run.getIterationsList().stream()
        .map(
            each ->
                new Learned(
                    each.getMeanReward(),
                    each.getKlNats(),
                    each.getEntropyNats(),
                    each.getMeanCompletionTokens(),
                    each.getLoss(),
                    each.getGradientNorm()))
        .toList();
  }

  private static void awaitIterations(BuiltMesh mesh, String runId, int count) {
    Iterator<WatchRunResponse> told = TestCalls.watch(mesh.channel(), runId);
    int done = 0;
    while (done < count) {
      done = told.next().getRun().getIterationsDone();
    }
  }

  private static double[] rewards(GetRunResponse run) {
    return run.getIterationsList().stream().mapToDouble(IterationMetrics::getMeanReward).toArray();
  }

  /** A held-out prompt serves one test. */
  private static String spec(String heldOut) {
    return """
        name: killed
        iterations: %d
        seed: 11
        rollout: {prompts_per_iteration: 4, completions_per_prompt: 2, min_group: 2}
        prompts: {inline: [%s]}
        safety_test:
          threshold: 0.3
          prompts: {inline: [%s]}
        kl: {stop_at: 20}
        promotion: NEVER
        """
        .formatted(ITERATIONS, prompts("training", 8), prompts(heldOut, 40));
  }

  private static String prompts(String what, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "\"// %s %d\\n    int value%d = \"".formatted(what, i, i))
        .collect(Collectors.joining(", "));
  }
}
