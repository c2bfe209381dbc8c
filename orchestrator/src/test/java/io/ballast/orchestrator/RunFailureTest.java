package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.adapter.SkippedSampleFiles;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a run when something around it fails. */
class RunFailureTest {
  @TempDir Path root;
  private TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aStopAndAStartOnRealWeightsGiveTheRunThatNeverStopped() throws InterruptedException {
    String whole = mesh.create(TestSpecs.spec("same", "promotion: NEVER")).getRunId();
    mesh.awaitEnd(whole);
    String stopped =
        mesh.createUpTo(2, TestSpecs.testedOnOthers(TestSpecs.spec("same", "promotion: NEVER")));
    mesh.close();
    mesh.letSample();

    mesh = mesh.startAgain();
    Run run = mesh.awaitEnd(stopped);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(run.getCandidateVersion().getWeightsSha256())
        .as("the weights, bit for bit")
        .isEqualTo(mesh.get(whole).getRun().getCandidateVersion().getWeightsSha256());
    assertThat(mesh.numbers(stopped)).isEqualTo(mesh.numbers(whole));
  }

  @Test
  void aPeerThatIsAwayForAMomentIsWaitedFor() {
    String runId = mesh.create(TestSpecs.spec("hiccup")).getRunId();
    mesh.policy.down.set(3);
    mesh.rewards.busy.set(2);

    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.waits.stream().filter(wait -> wait.equals(Duration.ofSeconds(7))))
        .as("as long as the reward-server asks")
        .hasSize(2);
  }

  @Test
  void aPeerThatStaysAwayFailsTheRunWhichGoesOnLater() throws InterruptedException {
    String runId = mesh.createUpTo(2, TestSpecs.spec("outage"));
    mesh.rewards.busy.set(1_000_000);
    mesh.letSample();

    Run failed = mesh.awaitEnd(runId);
    mesh.rewards.busy.set(0);
    var unused = mesh.runs().resumeRun(ResumeRunRequest.newBuilder().setRunId(runId).build());
    Run run = mesh.awaitEnd(runId);

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getMessage())
        .startsWith("could not score completions: reward-server: busy (tried ")
        .endsWith("resume the run when it is back)");
    assertThat(failed.getIterationsDone()).isEqualTo(1);
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getIterationsList())
        .extracting(IterationMetrics::getIteration)
        .containsExactly(1, 2, 3);
  }

  @Test
  void theDatabaseMayBeAwayInTheMiddle() throws InterruptedException {
    String runId = mesh.createUpTo(1, TestSpecs.spec("database"));
    mesh.database.takeAway();

    assertThatThrownBy(() -> mesh.get(runId))
        .isInstanceOf(StatusRuntimeException.class)
        .extracting(thrown -> ((StatusRuntimeException) thrown).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
    mesh.database.bringBack();
    mesh.letSample();

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getIterationsCount()).isEqualTo(3);
  }

  @Test
  void aMissingRewardDropsItsCompletionAndASmallGroupGoesWithIt() {
    mesh.policy.brokenPrompts = index -> index == 0;

    String runId = mesh.create(TestSpecs.spec("half")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.get(runId).getIterationsList())
        .allSatisfy(
            metrics -> {
              assertThat(metrics.getSamplesCount()).isEqualTo(3);
              assertThat(metrics.getDroppedCount()).isEqualTo(3);
            });
  }

  @Test
  void withoutAnyRewardARunFailsAndInventsNone() {
    mesh.rewards.unjudged = completion -> true;

    Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("blind")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(run.getMessage())
        .contains("none of 2 groups has enough judged completions to learn from")
        .contains("QUORUM_LOST: two of five members answered");
    assertThat(run.getIterationsDone()).isZero();
  }

  @Test
  void failFastMeansTheFirstFailure() {
    mesh.policy.brokenPrompts = index -> index == 1;
    String spec = TestSpecs.spec("strict").replace("min_group: 2", "group_strategy: FAIL_FAST");

    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(run.getMessage()).contains("FAIL_FAST").contains("prompts[1]: broken");
  }

  @Test
  void aMissingCostIsCertainHarm() {
    mesh.safety.unjudged = completion -> true;

    String runId = mesh.create(TestSpecs.spec("closed")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.get(runId).getIterationsList())
        .allSatisfy(metrics -> assertThat(metrics.getMeanCost()).isEqualTo(1));
  }

  @Test
  void aPolicyThatStraysTooFarStopsLearningAndIsTested() {
    String spec = TestSpecs.spec("far").replace("stop_at: 1000", "stop_at: 0.01");

    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getIterationsDone()).isEqualTo(2);
    assertThat(run.getEarlyStopReason()).startsWith("kl ").endsWith(" over 0.01");
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  @Test
  void promptsComeFromFilesOfTheDataFolderAndFromNowhereElse() throws IOException {
    Files.writeString(
        mesh.prompts("train.jsonl"), "\"int p\"\n\n{\"prompt\": \"int q\"}\n\"int r\"\n");
    Files.writeString(mesh.prompts("bad.jsonl"), "\"int p\"\n{\"text\": 1}\n");
    String inline = "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";
    String spec = TestSpecs.spec("file");

    mesh.awaitEnd(mesh.create(spec.replace(inline, "{file: prompts/train.jsonl}")).getRunId());

    assertThat(mesh.policy.samples)
        .flatExtracting(sample -> sample.getPromptsList())
        .extracting(prompt -> prompt.getText())
        .isSubsetOf("int p", "int q", "int r");
    refused(
        spec.replace(inline, "{file: prompts/bad.jsonl}"),
        "prompts.file: 1 bad row, row 2: no text but nothing");
    Path kept = mesh.folder(SkippedSampleFiles.FOLDER + "/other/run").resolve("1.json");
    Files.writeString(kept, "{\"prompt\": \"of another tenant\"}\n");
    Files.writeString(mesh.folder("logs").resolve("mesh.log"), "{\"message\": \"started\"}\n");
    Files.writeString(root.resolve("loose.jsonl"), "\"int p\"\n\"int q\"\n");
    Files.createSymbolicLink(mesh.prompts("link.jsonl"), kept);
    Path outside = Files.writeString(root.resolveSibling("outside.jsonl"), "\"x\"\n");
    for (String file :
        List.of(
            "prompts/none",
            "prompts",
            "loose.jsonl",
            "prompts/link.jsonl",
            "skipped-updates/other/run/1.json",
            "logs/mesh.log",
            "prompts/../logs/mesh.log",
            "../" + outside.getFileName(),
            outside.toString())) {
      refused(
          spec.replace(inline, "{file: " + file + "}"),
          "prompts.file: there is no file '%s' to read (expected: one in the data folder's prompts, preferences, texts)"
              .formatted(file));
    }
  }

  @Test
  void promptsOfTheSafetyTestAreNeverTrainedOn() {
    refused(
        TestSpecs.spec("leak").replace("\"int c\"", "\"long y\""),
        "prompts.inline[2]: is also a prompt of the safety test");
    refused(
        TestSpecs.spec("twice").replace("\"long z\"", "\"long y\""),
        "safety_test.prompts[2]: is there twice");
    refused(
        TestSpecs.spec("few").replace("prompts_per_iteration: 2", "prompts_per_iteration: 6"),
        "prompts: 5 prompts (expected: at least rollout.prompts_per_iteration, 6)");
    refused(
        TestSpecs.spec("pool").replace("  threshold: 0.4", "  threshold: 0.4\n  draw_count: 4"),
        "safety_test.draw_count: 4 (expected: for each constraint at most its part of the pool, 3 prompts)");
    refused(TestSpecs.spec("empty").replace("\"int c\"", "\"\""), "prompts.inline[2]: empty");
    refused(
        TestSpecs.spec("nul").replace("\"int c\"", "\"a\\0b\""),
        "prompts.inline[2]: character 1 is U+0000");
  }

  @Test
  void feedbackGivesThePromptsOfTheOwnTenantWithoutTheHeldOutOnes() {
    mesh.policy.feedback.put("acme", List.of("int m", "int n", "int m", "long x", "int o"));
    mesh.policy.feedback.put("other", List.of("secret"));
    String spec =
        TestSpecs.spec("feedback")
            .replace(
                "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}",
                "{feedback: {max: 4}}");

    String runId =
        mesh.runs()
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("acme", ""))
                    .setSpec(spec)
                    .build())
            .getRun()
            .getRunId();
    mesh.runs()
        .watchRun(
            WatchRunRequest.newBuilder()
                .setMetadata(TestMesh.metadata("acme", ""))
                .setRunId(runId)
                .build())
        .forEachRemaining(seen -> {});

    assertThat(mesh.policy.samples)
        .flatExtracting(sample -> sample.getPromptsList())
        .extracting(prompt -> prompt.getText())
        .isSubsetOf("int m", "int n", "int o")
        .isNotEmpty();
  }

  @Test
  void aRunShowsInTheMetricsWhileItWorks() throws InterruptedException {
    String runId = mesh.createUpTo(2, TestSpecs.spec("seen"));

    double reward = mesh.meters.get("ballast.run.reward").tag("run", "seen").gauge().value();
    double lambda = mesh.meters.get("ballast.run.lambda").tag("run", "seen").gauge().value();
    IterationMetrics first = mesh.get(runId).getIterations(0);
    mesh.letSample();
    mesh.awaitEnd(runId);
    mesh.close();

    assertThat(reward).isEqualTo(first.getMeanReward());
    assertThat(lambda).isEqualTo(first.getLambda());
    assertThat(mesh.meters.find("ballast.run.reward").gauge()).as("it has ended").isNull();
  }

  private void refused(String spec, String message) {
    assertThatThrownBy(() -> mesh.create(spec))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageStartingWith("INVALID_ARGUMENT")
        .hasMessageContaining(message);
  }
}
