package io.ballast.orchestrator;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static io.ballast.testing.Refusals.assertFails;
import static io.ballast.testing.Refusals.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.CancelOperationRequest;
import io.ballast.learner.v1.CloseSessionRequest;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.DeleteCheckpointRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.ListCheckpointsRequest;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.LoadWeightsRequest;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad input gets one typed answer which names it, and changes nothing; of a learner's sessions:
 * {@link LearnerBadInputTest}.
 */
class BadInputTest {
  @TempDir Path root = Path.of("");
  private TestMesh mesh;
  private LearnerServiceBlockingStub learner;
  private RunServiceBlockingStub runs;

  @BeforeEach
  void start() {
    mesh = TestMesh.start(root);
    learner = mesh.learner();
    runs = mesh.runs();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void metadataThatIsWrongIsNamedByEveryCall() {
    RequestMetadata bad = RequestMetadata.newBuilder().setTenant("a/b").build();
    List<ThrowingCallable> calls =
        List.of(
            () -> runs.createRun(CreateRunRequest.newBuilder().setMetadata(bad).build()),
            () -> runs.getRun(GetRunRequest.newBuilder().setMetadata(bad).build()),
            () -> runs.listRuns(ListRunsRequest.newBuilder().setMetadata(bad).build()),
            () -> runs.watchRun(WatchRunRequest.newBuilder().setMetadata(bad).build()).hasNext(),
            () -> runs.pauseRun(PauseRunRequest.newBuilder().setMetadata(bad).build()),
            () -> runs.resumeRun(ResumeRunRequest.newBuilder().setMetadata(bad).build()),
            () -> runs.cancelRun(CancelRunRequest.newBuilder().setMetadata(bad).build()),
            () ->
                runs.promoteCandidate(
                    PromoteCandidateRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.createSession(CreateSessionRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.getSession(GetSessionRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.listSessions(ListSessionsRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.closeSession(CloseSessionRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.forward(ForwardRequest.newBuilder().setMetadata(bad).build()),
            () ->
                learner.forwardBackward(
                    ForwardBackwardRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.optimizerStep(OptimizerStepRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.saveWeights(SaveWeightsRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.loadWeights(LoadWeightsRequest.newBuilder().setMetadata(bad).build()),
            () ->
                learner.sampleFromSession(
                    SampleFromSessionRequest.newBuilder()
                        .addPrompts(TextOrTokens.newBuilder().setText("a"))
                        .setMetadata(bad)
                        .build()),
            () ->
                learner.listCheckpoints(
                    ListCheckpointsRequest.newBuilder().setMetadata(bad).build()),
            () ->
                learner.deleteCheckpoint(
                    DeleteCheckpointRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.getOperation(GetOperationRequest.newBuilder().setMetadata(bad).build()),
            () -> learner.waitOperation(WaitOperationRequest.newBuilder().setMetadata(bad).build()),
            () ->
                learner.cancelOperation(
                    CancelOperationRequest.newBuilder().setMetadata(bad).build()));

    assertThat(calls)
        .hasSize(23)
        .allSatisfy(
            call ->
                assertMalformed(
                    call,
                    "metadata.tenant: a/b (allowed: at most 64 characters of [A-Za-z0-9._-], or empty)"));
  }

  @Test
  void whatIsNotThereIsNamedByEveryCall() {
    for (String id : List.of("", "../../etc", "\0".repeat(36), UUID.randomUUID().toString())) {
      List<ThrowingCallable> ofRuns =
          List.of(
              () -> runs.getRun(GetRunRequest.newBuilder().setRunId(id).build()),
              () -> runs.watchRun(WatchRunRequest.newBuilder().setRunId(id).build()).hasNext(),
              () -> runs.pauseRun(PauseRunRequest.newBuilder().setRunId(id).build()),
              () -> runs.resumeRun(ResumeRunRequest.newBuilder().setRunId(id).build()),
              () -> runs.cancelRun(CancelRunRequest.newBuilder().setRunId(id).build()),
              () ->
                  runs.promoteCandidate(PromoteCandidateRequest.newBuilder().setRunId(id).build()));
      assertThat(ofRuns).allSatisfy(call -> assertUnknown(call, "run", id));
      List<ThrowingCallable> ofSessions =
          List.of(
              () -> learner.getSession(GetSessionRequest.newBuilder().setSessionId(id).build()),
              () -> learner.closeSession(CloseSessionRequest.newBuilder().setSessionId(id).build()),
              () -> learner.forward(ForwardRequest.newBuilder().setSessionId(id).build()),
              () -> learner.forwardBackward(whole(id)),
              () ->
                  learner.optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(id).build()),
              () -> learner.saveWeights(SaveWeightsRequest.newBuilder().setSessionId(id).build()),
              () -> learner.loadWeights(LoadWeightsRequest.newBuilder().setSessionId(id).build()),
              () ->
                  learner.sampleFromSession(
                      SampleFromSessionRequest.newBuilder()
                          .setSessionId(id)
                          .addPrompts(TextOrTokens.newBuilder().setText("a"))
                          .build()));
      assertThat(ofSessions).allSatisfy(call -> assertUnknown(call, "session", id));
      List<ThrowingCallable> ofOperations =
          List.of(
              () ->
                  learner.getOperation(GetOperationRequest.newBuilder().setOperationId(id).build()),
              () ->
                  learner.waitOperation(
                      WaitOperationRequest.newBuilder().setOperationId(id).build()),
              () ->
                  learner.cancelOperation(
                      CancelOperationRequest.newBuilder().setOperationId(id).build()));
      assertThat(ofOperations).allSatisfy(call -> assertUnknown(call, "operation", id));
    }
  }

  @Test
  void runsArePagedWithinTheRange() {
    for (int size : new int[] {-1, 1_001}) {
      assertMalformed(
          () -> runs.listRuns(ListRunsRequest.newBuilder().setPageSize(size).build()),
          "page_size: %,d (expected: 0 to 1,000)".formatted(size));
    }
  }

  @Test
  void nobodyLearnsWhatLiesOutsideTheDataFolder() {
    String inline = "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";
    for (String path : List.of("/etc/passwd", "/no/such", "../no-such", "a/../../b")) {
      assertMalformed(
          () -> mesh.create(TestSpecs.spec("x").replace(inline, "{file: \"" + path + "\"}")),
          "prompts.file: there is no file '"
              + path
              + "' to read (expected: one in the data folder's prompts, preferences, texts)");
    }
  }

  private static void assertUnknown(ThrowingCallable call, String kind, String id) {
    assertFails(
        call,
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_RESOURCE,
        "there is no %s '%s'".formatted(kind, id));
  }

  /** A request of which nothing is wrong but perhaps its session. */
  private static ForwardBackwardRequest whole(String session) {
    return ForwardBackwardRequest.newBuilder()
        .setSessionId(session)
        .addGroups(
            TrainingGroup.newBuilder()
                .setPromptTokens(tokens(1, 2))
                .addCompletions(
                    TrainingCompletion.newBuilder()
                        .setTokens(tokens(5, 6))
                        .addLogProbGradients(1)
                        .addLogProbGradients(1)))
        .setCallerGradients(CallerGradients.getDefaultInstance())
        .build();
  }
}
