package io.ballast.orchestrator;

import static io.ballast.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people can do with a run whose prompts are older than they are kept. */
class ExpiredPromptsTest {
  private static final String SPEC = TestSpecs.spec("expired", "promotion: WAIT");

  @TempDir private Path root;
  private TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root, Map.of("prompt-retention", "P30D"));
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aRunIsShownWatchedRepeatedAndPromotedWithoutThem() {
    String runId = create().getRunId();
    var unused = mesh.awaitEnd(runId);
    GetRunResponse shown = mesh.get(runId);
    List<WatchRunResponse> watched = mesh.watchToTheEnd(runId);
    expire();

    assertThat(mesh.get(runId)).isEqualTo(shown);
    assertThat(mesh.watchToTheEnd(runId)).isEqualTo(watched);
    assertThat(shown.getPromptSources(0).getPromptsCount()).isEqualTo(5);
    assertThat(create()).as("the same key, the same run").isEqualTo(shown.getRun());
    assertFails(
        () -> resume(runId),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "run %s has ended: HELD".formatted(runId));
    assertFails(
        () -> resume(runId, "long x", "long y", "long z"),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "run %s has ended, and its prompts were deleted at %s: they are kept for so long only (ballast.orchestrator.prompt-retention)"
            .formatted(runId, mesh.clock.instant()));
    assertThat(promote(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(texts()).isZero();
  }

  @Test
  void aRunThatLearnsMeanwhileLearnsOn() throws InterruptedException {
    String runId = mesh.createUpTo(2, SPEC);
    expire();
    assertThat(texts()).isEqualTo(8);

    mesh.letSample();

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_HELD);
    expire();
    assertThat(texts()).isZero();
    assertThat(expired()).isEqualTo(1);
  }

  /** A month goes by. */
  private void expire() {
    mesh.clock.advance(Duration.ofDays(31));
    mesh.deleteOld();
  }

  private double expired() {
    return mesh.meters.get("ballast.run.expired").tag("what", "prompts").counter().count();
  }

  private Run create() {
    return mesh.runs()
        .createRun(
            CreateRunRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "expired"))
                .setSpec(SPEC)
                .build())
        .getRun();
  }

  private Run resume(String runId, String... prompts) {
    return mesh.runs()
        .resumeRun(
            ResumeRunRequest.newBuilder()
                .setRunId(runId)
                .addAllTestPrompts(List.of(prompts))
                .build())
        .getRun();
  }

  private Run promote(String runId) {
    return mesh.runs()
        .promoteCandidate(PromoteCandidateRequest.newBuilder().setRunId(runId).build())
        .getRun();
  }

  /** How many prompts of whatever kind are kept of all runs. */
  private int texts() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select coalesce(sum(cardinality(training) + cardinality(test)
                          + cardinality(evaluation) + cardinality(chosen)), 0) from run_prompts\
                        """)
                    .mapTo(Integer.class)
                    .one());
  }
}
