package io.ballast.kit.kserve.grpc;

import static io.ballast.kit.kserve.grpc.ShelfRequests.assertStatus;
import static io.ballast.kit.kserve.grpc.ShelfRequests.bytes;
import static io.ballast.kit.kserve.grpc.ShelfRequests.pair;
import static io.ballast.kit.kserve.grpc.ShelfRequests.say;
import static io.ballast.kit.kserve.grpc.ShelfRequests.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.ByteString;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.RepositoryModelUnloadRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the KServe v2 API refuses, in the words of a real Triton 2.51.0 to the same requests, its
 * own notes left out.
 */
class InferenceRefusalTest {
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

  static Stream<Arguments> refused() {
    String named = "[request id: r1] ";
    return Stream.of(
        bad(
            r -> r.removeInputs(1),
            named
                + "expected number of inputs between 2 and 3 but got 1 inputs for model 'rew'. Got"
                + " input(s) ['prompt'], but missing required input(s) ['completion']. Please"
                + " provide all required input(s)."),
        bad(
            r -> r.addInputs(tensor("zz", 1, 1)),
            "unexpected inference input 'zz' for model 'rew'"),
        bad(
            r -> r.addInputs(tensor("prompt", 1, 1)),
            named + "input 'prompt' already exists in request"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 1, 1).setDatatype("FP32")),
            named
                + "inference input 'prompt' data-type is 'FP32', but model 'rew' expects 'BYTES'"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 2, 1)).setInputs(1, tensor("completion", 2, 1)),
            named
                + "expected 2 string elements for inference input 'prompt' for model 'rew', got 1"),
        bad(
            r -> r.setRawInputContents(0, bytes("a", "b")),
            named
                + "unexpected number of string elements 2 for inference input 'prompt' for model"
                + " 'rew', expecting 1"),
        bad(
            r -> r.setRawInputContents(0, ByteString.copyFrom(new byte[400_000])),
            named
                + "unexpected number of string elements 100000 for inference input 'prompt' for"
                + " model 'rew', expecting 1"),
        bad(
            r -> r.setRawInputContents(0, ByteString.fromHex("64000000616263")),
            "incomplete string data for inference input 'prompt', expecting string of length 100"
                + " but only 3 bytes available"),
        bad(
            r -> r.setRawInputContents(0, ByteString.fromHex("ffffffff61")),
            "incomplete string data for inference input 'prompt', expecting string of length"
                + " 4294967295 but only 1 bytes available"),
        bad(
            r -> r.setRawInputContents(0, ByteString.fromHex("0100")),
            named
                + "incomplete string length indicator for inference input 'prompt' for model"
                + " 'rew', expecting 4 bytes but only 2 bytes available. Please make sure the"
                + " string length indicator is in one buffer."),
        bad(
            r -> r.setRawInputContents(0, ByteString.fromHex("02000000fffe")),
            named + "element 0 of inference input 'prompt' for model 'rew' is not valid UTF-8"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 1, 2)),
            named
                + "unexpected shape for input 'prompt' for model 'rew'. Expected [-1,1], got [1,2]."
                + " NOTE: Setting a non-zero max_batch_size in the model config requires a batch"
                + " dimension to be prepended to each input shape."),
        bad(
            r -> r.setInputs(0, tensor("prompt")),
            named + "input 'prompt' has no shape but model requires batch dimension for 'rew'"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 2, 1)),
            named + "input 'prompt' batch size does not match other inputs for 'rew'"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 5, 1)).setInputs(1, tensor("completion", 5, 1)),
            named + "inference request batch-size must be <= 4 for 'rew'"),
        bad(
            r -> r.setInputs(0, tensor("prompt", 0, 1)).setInputs(1, tensor("completion", 0, 1)),
            named + "inference request batch-size must be >= 1 for 'rew'"),
        bad(
            r -> r.clearRawInputContents().addRawInputContents(bytes("a")),
            "unable to find data for input tensor 'completion' for model 'rew' in request."),
        bad(
            r -> r.addRawInputContents(bytes("c")),
            named + "got 3 raw_input_contents for 2 inputs for model 'rew'"),
        bad(
            r ->
                r.addInputs(tensor("x", 1, 2).setDatatype("FP32"))
                    .addRawInputContents(ByteString.fromHex("00000000")),
            named + "input byte size mismatch for input 'x' for model 'rew'. Expected 8, got 4"),
        bad(
            r ->
                r.setInputs(
                    0,
                    tensor("prompt", 1, 1)
                        .setContents(
                            InferTensorContents.newBuilder().addBytesContents(ByteString.EMPTY))),
            "contents field must not be specified when using raw_input_contents for 'prompt' for"
                + " model 'rew'"),
        bad(
            r ->
                r.clearRawInputContents()
                    .setInputs(
                        0,
                        tensor("prompt", 1, 1)
                            .setContents(InferTensorContents.newBuilder().addFp32Contents(1))),
            "unexpected explicit tensor data for input tensor 'prompt' for model 'rew' of type"
                + " 'FP32', expected datatype 'BYTES'"),
        bad(
            r -> {
              r.addOutputsBuilder().setName("zz");
              return r;
            },
            "unexpected inference output 'zz' for model 'rew'"),
        bad(
            r ->
                r.putParameters(
                    "priority", InferParameter.newBuilder().setStringParam("x").build()),
            "invalid value type for 'priority' parameter, expected int64_param or uint64_param."),
        bad(
            r -> r.putParameters("priority", InferParameter.newBuilder().setInt64Param(-1).build()),
            "invalid value for 'priority', expected value >= 0."),
        bad(
            r ->
                r.putParameters("timeout", InferParameter.newBuilder().setStringParam("x").build()),
            "invalid value type for 'timeout' parameter, expected int64_param."));
  }

  private static Arguments bad(
      UnaryOperator<ModelInferRequest.Builder> damage, String description) {
    return arguments(damage, description);
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatIsWrongIsSaidInTritonsWords(
      UnaryOperator<ModelInferRequest.Builder> damage, String description) {
    ModelInferRequest request = damage.apply(pair()).build();

    assertStatus(() -> stub.modelInfer(request), Status.Code.INVALID_ARGUMENT, description);
    assertThat(server.commands()).isEmpty();
  }

  @Test
  void whatIsNotThereIsNotFound() {
    assertStatus(
        () -> stub.modelInfer(pair().setModelName("nope").build()),
        Status.Code.NOT_FOUND,
        "Request for unknown model: 'nope' is not found");
    assertStatus(
        () -> stub.modelInfer(pair().setModelVersion("77").build()),
        Status.Code.NOT_FOUND,
        "Request for unknown model: 'rew' version 77 is not found");
    assertStatus(
        () -> stub.modelInfer(pair().setModelName("rollout").build()),
        Status.Code.NOT_FOUND,
        "Request for unknown model: 'rollout' has no alias 'serving', so a version must be named");
    ModelInferRequest.Builder region = pair();
    region
        .getInputsBuilder(0)
        .putParameters(
            "shared_memory_region", InferParameter.newBuilder().setStringParam("reg").build());
    assertStatus(
        () -> stub.modelInfer(region.build()),
        Status.Code.NOT_FOUND,
        "Unable to find shared memory region: 'reg'");
  }

  @Test
  void aDecoupledModelAnswersOnStreamsOnly() {
    assertStatus(
        () -> stub.modelInfer(say("a b").build()),
        Status.Code.UNIMPLEMENTED,
        "ModelInfer RPC doesn't support models with decoupled transaction policy");
  }

  @Test
  void whatIsNotBuiltSaysSo() {
    assertThatThrownBy(
            () ->
                stub.repositoryModelUnload(
                    RepositoryModelUnloadRequest.newBuilder().setModelName("rew").build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED));
  }
}
