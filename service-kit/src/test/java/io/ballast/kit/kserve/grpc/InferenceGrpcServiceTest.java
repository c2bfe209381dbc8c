package io.ballast.kit.kserve.grpc;

import static io.ballast.kit.kserve.grpc.ShelfRequests.assertStatus;
import static io.ballast.kit.kserve.grpc.ShelfRequests.bytes;
import static io.ballast.kit.kserve.grpc.ShelfRequests.first;
import static io.ballast.kit.kserve.grpc.ShelfRequests.pair;
import static io.ballast.kit.kserve.grpc.ShelfServer.TWICE;
import static io.ballast.kit.kserve.grpc.ShelfServer.WAITS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ballast.kit.call.Lane;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An inference over the KServe v2 API: how it is asked, what it answers, and when it ends. */
class InferenceGrpcServiceTest {
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
  void anInferenceIsAnsweredRawWithIdAndVersion() {
    ModelInferResponse answer = stub.modelInfer(pair().build());

    assertThat(answer.getId()).isEqualTo("r1");
    assertThat(answer.getModelVersion()).isEqualTo("2");
    assertThat(answer.getOutputsList().stream().map(o -> o.getName() + o.getShapeList()))
        .containsExactly("reward[1, 1]", "std[1, 1]");
    assertThat(first(answer.getRawOutputContents(0))).isEqualTo(3);
  }

  @Test
  void typedContentsMeanWhatRawOnesDo() {
    ModelInferRequest.Builder request = pair().clearRawInputContents();
    for (InferInputTensor.Builder input : request.getInputsBuilderList()) {
      input.setContents(
          InferTensorContents.newBuilder().addBytesContents(ByteString.copyFromUtf8("é\0ü")));
    }

    assertThat(first(stub.modelInfer(request.build()).getRawOutputContents(0))).isEqualTo(3);
    assertThat(server.commands().getFirst().texts("prompt")).containsExactly("é\0ü");
  }

  @Test
  void onlyTheOutputsThatAreAskedForCome() {
    ModelInferRequest.Builder request = pair();
    request.addOutputsBuilder().setName("std");

    ModelInferResponse answer = stub.modelInfer(request.build());

    assertThat(answer.getOutputsList()).hasSize(1);
    assertThat(answer.getOutputs(0).getName()).isEqualTo("std");
    assertThat(answer.getRawOutputContentsList()).hasSize(1);
    assertThat(server.commands().getFirst().wants("reward")).isFalse();
  }

  @Test
  void priorityIsTheLaneAndTenantIsTheTenant() {
    stub.modelInfer(pair().build());
    stub.modelInfer(
        pair()
            .putParameters("priority", InferParameter.newBuilder().setUint64Param(3).build())
            .putParameters("tenant", InferParameter.newBuilder().setStringParam("acme").build())
            .build());

    assertThat(server.commands().get(0).caller().lane()).isEqualTo(Lane.INTERACTIVE);
    assertThat(server.commands().get(0).wants("std")).isTrue();
    assertThat(server.commands().get(0).caller().tenant()).isEqualTo("default");
    assertThat(server.commands().get(1).caller().lane()).isEqualTo(Lane.BATCH);
    assertThat(server.commands().get(1).caller().tenant()).isEqualTo("acme");
  }

  @Test
  void theLargestNumbersAreALongTimeAndALevelThatIsNone() {
    InferParameter beyond = InferParameter.newBuilder().setUint64Param(-1).build();

    var unused =
        stub.modelInfer(
            pair().putParameters("timeout", beyond).putParameters("priority", beyond).build());

    assertThat(server.commands().getFirst().caller().lane()).isEqualTo(Lane.INTERACTIVE);
  }

  @Test
  void aRequestEndsWhenItsOwnTimeIsOver() {
    assertStatus(
        () ->
            stub.modelInfer(
                pair()
                    .setRawInputContents(1, bytes(WAITS))
                    .putParameters(
                        "timeout", InferParameter.newBuilder().setInt64Param(1_000).build())
                    .build()),
        Status.Code.UNAVAILABLE,
        "[request id: r1] Request timeout expired");
    assertThat(server.cancelled().getCount()).isZero();
  }

  @Test
  void aCallerWhoLeavesEndsTheInference() throws InterruptedException {
    var call =
        GRPCInferenceServiceGrpc.newFutureStub(server.channel())
            .modelInfer(pair().setRawInputContents(1, bytes(WAITS)).build());
    assertThat(server.waiting().await(20, TimeUnit.SECONDS)).isTrue();

    call.cancel(true);

    assertThat(server.cancelled().await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aModelThatGivesAnAnswerTooManyIsABug() {
    assertThatThrownBy(() -> stub.modelInfer(pair().setRawInputContents(1, bytes(TWICE)).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL));
  }
}
