package io.ballast.orchestrator;

import static io.ballast.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.Session;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestRuntime;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.wiring.OrchestratorModule;
import io.ballast.testing.LeftoverThreads;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The orchestrator as a process starts it. */
class OrchestratorModuleTest {
  @TempDir Path models;
  @TempDir Path data;

  private final List<AutoCloseable> opened = new ArrayList<>();
  private final OrchestratorModule module =
      new OrchestratorModule(TestMesh.properties(Map.of()), Optional.empty());

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
    opened.clear();
    module.close();
  }

  @Test
  void aPropertyOutOfItsRangeIsNamedBeforeAnythingStarts() {
    assertThatThrownBy(
            () ->
                new OrchestratorModule(
                    TestMesh.properties(Map.of("learner-sessions", "0")), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("ballast.orchestrator.learner-sessions: 0");
  }

  @Test
  void runsAndSessionsAreServed() throws IOException {
    TinyModel.writeTo(models);
    ManagedChannel channel = start();

    assertThat(
            RunServiceGrpc.newBlockingStub(channel)
                .listRuns(ListRunsRequest.getDefaultInstance())
                .getRunsList())
        .isEmpty();
    assertThat(session(channel).getBaseVersion().getVersion()).isEqualTo(TinyModel.VERSION);
  }

  @Test
  void aModelThatIsNotThereIsNamed() throws IOException {
    TinyModel.writeTo(models);
    ManagedChannel channel = start();

    assertFails(
        () ->
            RunServiceGrpc.newBlockingStub(channel)
                .createRun(
                    CreateRunRequest.newBuilder()
                        .setSpec(
                            TestSpecs.spec("x")
                                .replace("{model: tiny, version: 1}", "{version: 1}"))
                        .build()),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_MODEL,
        "policy-server: no version 1 of java-tiny");
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws Exception {
    TinyModel.writeTo(models);
    LeftoverThreads threads = new LeftoverThreads();
    ManagedChannel channel = start();
    String session = session(channel).getSessionId();
    assertThat(
            LearnerServiceGrpc.newBlockingStub(channel)
                .sampleFromSession(
                    SampleFromSessionRequest.newBuilder()
                        .setSessionId(session)
                        .addPrompts(TextOrTokens.newBuilder().setText("int a"))
                        .build())
                .getSamplesCount())
        .isEqualTo(1);

    stop();
    module.close(); // again: nothing happens

    threads.assertNone();
  }

  private static Session session(ManagedChannel channel) {
    return LearnerServiceGrpc.newBlockingStub(channel)
        .createSession(
            CreateSessionRequest.newBuilder()
                .setBase(
                    ModelSelector.newBuilder()
                        .setModel(TinyModel.NAME)
                        .setVersion(TinyModel.VERSION))
                .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                .build())
        .getSession();
  }

  private ManagedChannel start() throws IOException {
    TestRuntime runtime = new TestRuntime(List.of(models), data);
    opened.add(runtime);
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    module.start(runtime).forEach(builder::addService);
    module.serving();
    Server server = builder.build().start();
    opened.add(server::shutdownNow);
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    opened.add(channel::shutdownNow);
    return channel;
  }
}
