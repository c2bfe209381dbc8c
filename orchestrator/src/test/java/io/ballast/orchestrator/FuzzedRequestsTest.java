package io.ballast.orchestrator;

import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.testing.fuzz.FuzzedServer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever bytes come as a request, the answer is typed, and the next request is answered. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedRequestsTest {
  private static final long SEED = 8;

  @TempDir static Path root = Path.of("");

  private static TestMesh mesh;
  static FuzzedServer server;

  @BeforeAll
  static void start() {
    mesh = TestMesh.start(root);
    String run = mesh.create(TestSpecs.spec("fuzzed")).getRunId();
    var unused = mesh.awaitEnd(run);
    String session =
        mesh.learner()
            .createSession(
                CreateSessionRequest.newBuilder()
                    .setBase(ModelSelector.newBuilder().setModel(TinyModel.NAME).setVersion("1"))
                    .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                    .build())
            .getSession()
            .getSessionId();
    TrainingGroup group =
        TrainingGroup.newBuilder()
            .setPromptTokens(TokenSequence.newBuilder().addTokenIds(5))
            .addCompletions(
                TrainingCompletion.newBuilder()
                    .setTokens(TokenSequence.newBuilder().addTokenIds(6).addTokenIds(7)))
            .build();
    TrainingGroup.Builder weighted = group.toBuilder();
    weighted.getCompletionsBuilder(0).addLogProbGradients(0.1).addLogProbGradients(-0.2);
    server =
        FuzzedServer.start(
                mesh.services(),
                List.of(),
                Map.of(
                    "model", List.of("", TinyModel.NAME),
                    "version", List.of("", "1"),
                    "alias", List.of("", "serving"),
                    "run_id", List.of(run),
                    "session_id", List.of(session),
                    "spec", List.of(ofNoModel(), "name: x\niterations: 1e9\n"),
                    "tenant", List.of("", "default")),
                List.of(
                    "WaitOperation",
                    "Forward",
                    "ForwardBackward",
                    "OptimizerStep",
                    "SaveWeights",
                    "LoadWeights",
                    "SampleFromSession"))
            .good(
                RunServiceGrpc.getGetRunMethod(), GetRunRequest.newBuilder().setRunId(run).build())
            .good(
                LearnerServiceGrpc.getListSessionsMethod(),
                ListSessionsRequest.getDefaultInstance())
            .good(
                LearnerServiceGrpc.getGetSessionMethod(),
                GetSessionRequest.newBuilder().setSessionId(session).build())
            .like(
                LearnerServiceGrpc.getForwardMethod(),
                ForwardRequest.newBuilder().setSessionId(session).addGroups(group).build())
            .like(
                LearnerServiceGrpc.getForwardBackwardMethod(),
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addGroups(weighted)
                    .setCallerGradients(CallerGradients.getDefaultInstance())
                    .build())
            .like(
                LearnerServiceGrpc.getSampleFromSessionMethod(),
                SampleFromSessionRequest.newBuilder()
                    .setSessionId(session)
                    .addPrompts(TextOrTokens.newBuilder().setText("int a"))
                    .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(4).setSeed(1))
                    .build())
            .like(
                RunServiceGrpc.getCreateRunMethod(),
                CreateRunRequest.newBuilder().setSpec(ofNoModel()).build())
            .without(LearnerServiceGrpc.getCloseSessionMethod());
  }

  /** Whatever else is in it, no run comes of it. */
  private static String ofNoModel() {
    return TestSpecs.spec("other").replace("model: tiny", "model: nobody");
  }

  @AfterAll
  static void stop() {
    server.close();
    mesh.close();
  }

  @Test
  void messagesOfEveryKindOfFlaw() {
    server.assertTyped(SEED);
  }
}
