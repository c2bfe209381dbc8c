package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.reward.adapter.CompositePublisher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run goes on after kill -9 as if nothing had been. That nothing acknowledged is lost is seen by
 * {@link SplitMeshIT}.
 */
class KillIT {
  private static final int ITERATIONS = 5;

  /**
   * A reward that rounds nothing: the fewer characters the better. An ensemble's rounds by its
   * company, which two runs never share.
   */
  private static final String SHORT =
      """
      {
        "format": "ballast-composite",
        "components": {"length": {"kind": "length", "unit": "characters", "free": 0, "limit": 64}},
        "reward": "length"
      }
      """;

  /** Completions are to be the same in any company: two runs never share all their batches. */
  private static final Map<String, String> INVARIANT =
      Map.of("ballast.policy.batch-invariant", "true");

  @TempDir private Path data = Path.of(".");

  @Test
  void whereNoScoreRoundsTheWeightsAreTheSameBitByBit() throws IOException {
    var unused =
        new CompositePublisher(List.of(data.resolve("models")))
            .publish("short", "1", SHORT, Map.of());
    String killed;
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      killed = TestCalls.create(mesh.channel(), spec("held out"));
      TestCalls.awaitIterations(mesh.channel(), killed, 2);
      mesh.kill();
    }
    List<Path> left = temporaryFiles();
    assertThat(left).as("libraries that the killed process had unpacked").isNotEmpty();
    assertThat(data.resolve("models").resolve("java-tiny-rollout"))
        .as("what a run samples from in one process has no folder, and is gone with it")
        .doesNotExist();
    try (BuiltMesh mesh = BuiltMesh.start(data, INVARIANT)) {
      assertThat(temporaryFiles()).doesNotContainAnyElementsOf(left);
      Run resumed = TestCalls.awaitEnd(mesh.channel(), killed);
      String whole = TestCalls.create(mesh.channel(), spec("held back"));
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

  private List<Path> temporaryFiles() throws IOException {
    try (Stream<Path> files = Files.walk(TemporaryFiles.folder(data, "mesh"))) {
      return files.filter(Files::isRegularFile).toList();
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

  /** A held-out prompt serves one test. */
  private static String spec(String heldOut) {
    return """
    name: killed
    iterations: %d
    seed: 11
    rollout: {prompts_per_iteration: 4, completions_per_prompt: 2, min_group: 2}
    reward: {model: short, version: 1, aggregation: NONE}
    constraint: {enabled: false}
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
