package io.ballast.kit.kserve.grpc;

import static io.ballast.kit.kserve.grpc.ShelfRequests.assertStatus;
import static io.ballast.kit.kserve.grpc.ShelfRequests.bytes;
import static io.ballast.kit.kserve.grpc.ShelfRequests.pair;
import static io.ballast.kit.kserve.grpc.ShelfServer.FAILS;
import static io.ballast.kit.kserve.grpc.ShelfServer.IS_NO_NUMBER;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelStatistics;
import io.ballast.kserve.v2.ModelStatisticsRequest;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.ServerMetadataRequest;
import io.ballast.kserve.v2.ServerReadyRequest;
import io.grpc.Status;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the KServe v2 API says of its models, and of how they were used. */
class ModelQueriesTest {
  private ShelfServer server;
  private GRPCInferenceServiceBlockingStub stub;

  @BeforeEach
  void start() throws IOException {
    server = new ShelfServer();
    stub = server.stub();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void modelsSayWhatTheyAre() {
    assertThat(stub.serverReady(ServerReadyRequest.getDefaultInstance()).getReady()).isTrue();
    assertThat(stub.serverMetadata(ServerMetadataRequest.getDefaultInstance()).getExtensionsList())
        .contains("statistics")
        .doesNotContain("system_shared_memory", "model_repository");
    var metadata = stub.modelMetadata(ModelMetadataRequest.newBuilder().setName("rew").build());
    assertThat(metadata.getVersionsList()).containsExactly("2");
    assertThat(metadata.getInputs(0).getShapeList()).containsExactly(-1L, 1L);
    ModelConfig config =
        stub.modelConfig(ModelConfigRequest.newBuilder().setName("dec").build()).getConfig();
    assertThat(config.getModelTransactionPolicy().getDecoupled()).isTrue();
    assertThat(config.getMaxBatchSize()).isZero();
    assertThat(config.getParametersOrThrow("weights_sha256").getStringValue()).isEqualTo("cd34");
    assertThat(
            stub
                .repositoryIndex(RepositoryIndexRequest.getDefaultInstance())
                .getModelsList()
                .stream()
                .map(model -> model.getName() + " " + model.getVersion() + " " + model.getState()))
        .containsExactly("rew 2 READY", "rew 1 UNAVAILABLE", "dec a-1 READY", "rollout r-1 READY");
  }

  @Test
  void readinessIsAnAnswerForUnknownModelsToo() {
    assertThat(ready("rew", "")).isTrue();
    assertThat(ready("rew", "1")).isFalse();
    assertThat(ready("nope", "")).isFalse();
  }

  private boolean ready(String name, String version) {
    return stub.modelReady(ModelReadyRequest.newBuilder().setName(name).setVersion(version).build())
        .getReady();
  }

  @Test
  void noNumberThatIsNoneLeaves() {
    assertStatus(
        () -> stub.modelInfer(pair().setRawInputContents(1, bytes(IS_NO_NUMBER)).build()),
        Status.Code.INTERNAL,
        "output 'reward' of model 'rew' version 2: element 0 is NaN");
    assertThat(statistics("rew", "2").getInferenceStats().getFail().getCount()).isEqualTo(1);
  }

  private ModelStatistics statistics(String model, String version) {
    return stub.modelStatistics(
            ModelStatisticsRequest.newBuilder().setName(model).setVersion(version).build())
        .getModelStats(0);
  }

  @Test
  void everyRequestIsCountedOnce() {
    stub.modelInfer(pair().build());
    assertStatus(
        () -> stub.modelInfer(pair().setRawInputContents(1, bytes(FAILS)).build()),
        Status.Code.INVALID_ARGUMENT,
        "batch[0].completion: too long");

    ModelStatistics statistics = statistics("rew", "2");

    assertThat(statistics.getInferenceCount()).isEqualTo(1);
    assertThat(statistics.getInferenceStats().getSuccess().getCount()).isEqualTo(1);
    assertThat(statistics.getInferenceStats().getSuccess().getNs()).isEqualTo(500);
    assertThat(statistics.getInferenceStats().getFail().getCount()).isEqualTo(1);
    assertThat(statistics.getInferenceStats().getQueue().getNs()).isEqualTo(10);
    assertThat(statistics.getInferenceStats().getComputeInfer().getNs()).isEqualTo(30);
    assertThat(statistics.getBatchStats(0).getBatchSize()).isEqualTo(1);
    assertThat(statistics.getLastInference()).isEqualTo(1_234);
    assertStatus(
        () -> stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName("nope").build()),
        Status.Code.INVALID_ARGUMENT,
        "requested model 'nope' is not available");
  }
}
