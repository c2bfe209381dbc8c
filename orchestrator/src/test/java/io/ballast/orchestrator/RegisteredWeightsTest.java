package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a session publishes can be made known to the policy-server in the same call. */
class RegisteredWeightsTest {
  @TempDir Path root = Path.of("");
  private TestMesh mesh;
  private LearnerServiceBlockingStub learner;
  private String session = "";

  @BeforeEach
  void open() {
    mesh = TestMesh.start(root);
    learner = mesh.learner();
    session =
        learner
            .createSession(
                CreateSessionRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("acme", "open"))
                    .setBase(
                        ModelSelector.newBuilder()
                            .setModel(TinyModel.NAME)
                            .setVersion(TinyModel.VERSION))
                    .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                    .build())
            .getSession()
            .getSessionId();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void itIsKnownWithWhatItWasTrainedFrom() {
    ModelVersion saved = succeeded(publish("mine", true));

    assertThat(mesh.policy.weights(TinyModel.NAME, "mine")).isEqualTo(saved.getWeightsSha256());
    assertThat(mesh.policy.registrations)
        .singleElement()
        .extracting(
            RegisterVersionRequest::getModel,
            RegisterVersionRequest::getVersion,
            RegisterVersionRequest::getParentVersion,
            RegisterVersionRequest::getRunId,
            request -> request.getMetadata().getTenant())
        .containsExactly(TinyModel.NAME, "mine", TinyModel.VERSION, "", "acme");
    assertThat(succeeded(publish("mine", true))).as("once more").isEqualTo(saved);
  }

  @Test
  void itIsNotUnlessItIsAskedFor() {
    succeeded(publish("mine", false));

    assertThat(mesh.policy.registrations).isEmpty();
    assertThatThrownBy(() -> mesh.policy.weights(TinyModel.NAME, "mine"))
        .hasMessageContaining("no version mine");
  }

  @Test
  void aPolicyServerThatIsAwayFailsTheOperationAndTheVersionStays() {
    mesh.policy.down.set(1);

    Operation failed = publish("mine", true);

    assertThat(failed.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(failed.getErrorReason()).isEqualTo("DEPENDENCY_DOWN");
    assertThat(failed.getErrorMessage())
        .startsWith(
            "version 'mine' of model '%s' is published and not registered: policy-server"
                .formatted(TinyModel.NAME))
        .endsWith("; save it again, or call RegisterVersion");
    assertThat(mesh.policy.registrations).isEmpty();
    succeeded(publish("mine", true));
    assertThat(mesh.policy.registrations).hasSize(1);
  }

  @Test
  void aCheckpointIsNoVersion() {
    assertThatThrownBy(
            () ->
                learner.saveWeights(
                    SaveWeightsRequest.newBuilder()
                        .setMetadata(TestMesh.metadata("acme", ""))
                        .setSessionId(session)
                        .setCheckpoint("mine")
                        .setRegister(true)
                        .build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT))
        .hasMessageContaining("register: beside checkpoint");
  }

  private Operation publish(String version, boolean register) {
    return learner
        .saveWeights(
            SaveWeightsRequest.newBuilder()
                .setMetadata(TestMesh.metadata("acme", ""))
                .setSessionId(session)
                .setPublishVersion(version)
                .setRegister(register)
                .build())
        .getOperation();
  }

  private static ModelVersion succeeded(Operation operation) {
    assertThat(operation.getErrorMessage()).isEmpty();
    assertThat(operation.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    return operation.getSaveWeights().getVersion();
  }
}
