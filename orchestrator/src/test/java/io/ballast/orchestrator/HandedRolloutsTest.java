package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A run whose weights are handed to the policy-server without a folder is the same run. */
class HandedRolloutsTest extends RunServiceCase {
  private static final String ROLLOUTS = "tiny-rollout";
  private static final String MORE = "promotion: NEVER";
  private static final String EVALUATED =
      MORE + "\nevaluation: {prompts: {inline: [\"held a\", \"held b\"]}, every: 2}";

  @Override
  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root.resolve("handing"), Map.of("rollouts-in-memory", "true"));
  }

  private Path rollouts() {
    return mesh.root.resolve("models").resolve(ROLLOUTS);
  }

  /** The checksums of what the iterations sampled from. */
  private static List<String> weights(TestMesh of, String runId) {
    return IntStream.rangeClosed(1, 3)
        .mapToObj(iteration -> of.policy.weights(ROLLOUTS, runId + "-" + iteration))
        .toList();
  }

  @Test
  void itsVersionsAreThoseOfTheFoldersThatItDoesNotWrite() throws Exception {
    String spec = TestSpecs.spec("same", EVALUATED);
    String handed = mesh.create(spec).getRunId();
    Run run = mesh.awaitEnd(handed);
    mesh.close(); // waits for the worker

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(rollouts()).doesNotExist();
    try (TestMesh byFolders = TestMesh.start(root.resolve("folders"))) {
      String written = byFolders.create(spec).getRunId();
      Run same = byFolders.awaitEnd(written);
      assertThat(Files.isDirectory(byFolders.root.resolve("models").resolve(ROLLOUTS))).isTrue();
      assertThat(weights(mesh, handed)).isEqualTo(weights(byFolders, written));
      assertThat(run.getCandidateVersion().getWeightsSha256())
          .isEqualTo(same.getCandidateVersion().getWeightsSha256());
    }
    for (int iteration = 1; iteration <= 4; iteration++) {
      assertThat(mesh.copies.find(ROLLOUTS, handed + "-" + iteration))
          .as("what a run that has ended handed over")
          .isEmpty();
    }
  }

  @Test
  void itsWeightsAreThereWhileItLearnsAndNotWhileItIsPaused() throws InterruptedException {
    String runId = mesh.createUpTo(2, TestSpecs.spec("paused", MORE));

    for (String there : List.of(runId + "-1", runId + "-2")) {
      mesh.copies.find(ROLLOUTS, there).orElseThrow().close();
    }
    pause(runId);
    mesh.letSample();
    awaitState(runId, RunState.RUN_STATE_PAUSED);
    mesh.close(); // waits for the worker
    for (int iteration = 1; iteration <= 4; iteration++) {
      assertThat(mesh.copies.find(ROLLOUTS, runId + "-" + iteration)).isEmpty();
    }

    mesh = mesh.startAgain();
    resume(runId);
    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(rollouts()).doesNotExist();
  }

  @Test
  void aStopAndAStartGiveTheRunThatNeverStopped() throws InterruptedException {
    String whole = mesh.create(TestSpecs.spec("same", MORE)).getRunId();
    mesh.awaitEnd(whole);
    String stopped = mesh.createUpTo(2, TestSpecs.testedOnOthers(TestSpecs.spec("same", MORE)));
    mesh.close();
    mesh.letSample();
    assertThat(mesh.copies.find(ROLLOUTS, stopped + "-2")).as("registered, not there").isEmpty();

    mesh = mesh.startAgain();
    Run run = mesh.awaitEnd(stopped);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(mesh.numbers(stopped)).isEqualTo(mesh.numbers(whole));
    assertThat(weights(mesh, stopped)).isEqualTo(weights(mesh, whole));
    assertThat(rollouts()).doesNotExist();
  }

  @Test
  void weightsThatLaterIterationsSampleFromGoByFolders() {
    String spec =
        TestSpecs.spec("ahead", MORE + "\nobjective: {importance_cap: 2}")
            .replace("rollout:\n", "rollout:\n  staleness: 1\n");
    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(rollouts()).isDirectory();
  }
}
