package io.ballast.kit.kserve.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.ByteString;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelStatistics;
import io.ballast.kserve.v2.ModelStatisticsRequest;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryModelUnloadRequest;
import io.ballast.kserve.v2.ServerMetadataRequest;
import io.ballast.kserve.v2.ServerReadyRequest;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The KServe v2 API over two models. The texts of what is refused are those that a real Triton
 * 2.51.0 gave to the same requests, its own notes left out.
 */
class InferenceGrpcServiceTest {
  private static final String FAILS = "FAIL";
  private static final String WAITS = "WAIT";
  private static final String TWICE = "TWICE";
  private static final String IS_NO_NUMBER = "NAN";

  private final List<InferenceCommand> commands = new CopyOnWriteArrayList<>();
  private final CountDownLatch waiting = new CountDownLatch(1);
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final AtomicLong nanos = new AtomicLong();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("test"), 64);
  private final InferenceGrpcService service =
      new InferenceGrpcService(
          List.of(new Shelf()),
          replies,
          new StatusMapper("test"),
          () -> true,
          new Inferences(
              InstantSource.fixed(Instant.ofEpochMilli(1_234)), () -> nanos.getAndAdd(500)));
  private final Server server = serve();
  private final ManagedChannel channel = InProcessChannelBuilder.forName("kserve-test").build();
  private final GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub stub =
      GRPCInferenceServiceGrpc.newBlockingStub(channel);

  private Server serve() {
    try {
      return InProcessServerBuilder.forName("kserve-test").addService(service).build().start();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
    replies.close();
    service.close();
  }

  /** "rew" judges pairs and knows versions 1 and 2; "dec" says its input word by word. */
  private final class Shelf implements ServedModels {
    @Override
    public List<ModelState> states() {
      return List.of(
          ModelState.ready("rew", "2"),
          new ModelState("rew", "1", false, "not loaded"),
          ModelState.ready("dec", "a-1"),
          ModelState.ready("rollout", "r-1"));
    }

    @Override
    public Optional<ServedModel> find(String model, String version) {
      return switch (model + "/" + version) {
        case "rew/", "rew/2" -> Optional.of(new Judge("2"));
        case "rew/1" -> Optional.of(new Judge("1"));
        case "dec/", "dec/a-1" -> Optional.of(new Speaker());
        default -> Optional.empty();
      };
    }
  }

  private final class Judge implements ServedModel {
    private final String version;

    Judge(String version) {
      this.version = version;
    }

    @Override
    public PinnedVersion id() {
      return new PinnedVersion("rew", version, "ab12");
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          4,
          false,
          List.of(
              TensorSpec.of("prompt", Datatype.BYTES, 1),
              TensorSpec.of("completion", Datatype.BYTES, 1),
              new TensorSpec("x", Datatype.FP32, List.of(2L), true)),
          List.of(
              TensorSpec.of("reward", Datatype.FP32, 1), TensorSpec.of("std", Datatype.FP32, 1)),
          Map.of("quorum", "5"));
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      commands.add(command);
      List<String> completions = command.texts("completion");
      if (completions.contains(FAILS)) {
        throw new MeshException(Fault.MALFORMED_REQUEST, "batch[0].completion: too long");
      }
      if (completions.contains(WAITS)) {
        await();
      }
      List<Float> lengths =
          completions.stream()
              .map(text -> text.equals(IS_NO_NUMBER) ? Float.NaN : (float) text.length())
              .toList();
      List<Tensor> outputs =
          List.of(
              Tensor.column("reward", new TensorValues.Floats(lengths)),
              Tensor.column("std", new TensorValues.Floats(lengths)));
      if (completions.contains(TWICE)) {
        earlier.accept(outputs);
      }
      return new LastAnswer(
          outputs,
          new InferenceTimes(
              Duration.ofNanos(10),
              Duration.ofNanos(20),
              Duration.ofNanos(30),
              Duration.ofNanos(40)));
    }

    private void await() {
      Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
      waiting.countDown();
      try {
        cancelled.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new CancellationException("nobody waits");
    }
  }

  private static final class Speaker implements ServedModel {
    @Override
    public PinnedVersion id() {
      return new PinnedVersion("dec", "a-1", "cd34");
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          0,
          true,
          List.of(TensorSpec.of("text_input", Datatype.BYTES, 1)),
          List.of(TensorSpec.of("text_output", Datatype.BYTES, -1)),
          Map.of());
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      String text = command.text("text_input").orElseThrow();
      List<String> words = List.of(text.split(" ", -1));
      words.subList(0, words.size() - 1).forEach(word -> earlier.accept(said(word)));
      return new LastAnswer(
          said(words.getLast()),
          new InferenceTimes(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));
    }

    private static List<Tensor> said(String word) {
      return List.of(Tensor.list("text_output", new TensorValues.Texts(List.of(word))));
    }
  }

  private static ByteString bytes(String... texts) {
    ByteString all = ByteString.EMPTY;
    for (String text : texts) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      length.putInt(utf8.length).flip();
      all = all.concat(ByteString.copyFrom(length)).concat(ByteString.copyFrom(utf8));
    }
    return all;
  }

  private static InferInputTensor.Builder tensor(String name, long... shape) {
    InferInputTensor.Builder tensor =
        InferInputTensor.newBuilder().setName(name).setDatatype("BYTES");
    for (long dim : shape) {
      tensor.addShape(dim);
    }
    return tensor;
  }

  /** One good pair; inputs 0 and 1 are prompt and completion. */
  private static ModelInferRequest.Builder pair() {
    return ModelInferRequest.newBuilder()
        .setModelName("rew")
        .setId("r1")
        .addInputs(tensor("prompt", 1, 1))
        .addInputs(tensor("completion", 1, 1))
        .addRawInputContents(bytes("a"))
        .addRawInputContents(bytes("bcd"));
  }

  private static ModelInferRequest.Builder say(String text) {
    return ModelInferRequest.newBuilder()
        .setModelName("dec")
        .addInputs(tensor("text_input", 1))
        .addRawInputContents(bytes(text));
  }

  private static float first(ByteString raw) {
    return raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getFloat();
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
    assertThat(commands.getFirst().texts("prompt")).containsExactly("é\0ü");
  }

  @Test
  void onlyTheOutputsThatAreAskedForCome() {
    ModelInferRequest.Builder request = pair();
    request.addOutputsBuilder().setName("std");

    ModelInferResponse answer = stub.modelInfer(request.build());

    assertThat(answer.getOutputsList()).hasSize(1);
    assertThat(answer.getOutputs(0).getName()).isEqualTo("std");
    assertThat(answer.getRawOutputContentsList()).hasSize(1);
    assertThat(commands.getFirst().wants("reward")).isFalse();
  }

  @Test
  void priorityIsTheLaneAndTenantIsTheTenant() {
    stub.modelInfer(pair().build());
    stub.modelInfer(
        pair()
            .putParameters("priority", InferParameter.newBuilder().setUint64Param(3).build())
            .putParameters("tenant", InferParameter.newBuilder().setStringParam("acme").build())
            .build());

    assertThat(commands.get(0).caller().lane()).isEqualTo(Lane.INTERACTIVE);
    assertThat(commands.get(0).wants("std")).isTrue();
    assertThat(commands.get(0).caller().tenant()).isEqualTo("default");
    assertThat(commands.get(1).caller().lane()).isEqualTo(Lane.BATCH);
    assertThat(commands.get(1).caller().tenant()).isEqualTo("acme");
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
    assertThat(commands).isEmpty();
  }

  private static void assertStatus(Runnable call, Status.Code code, String description) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).isEqualTo(description);
              assertThat(e.getStatus().getCode()).isEqualTo(code);
            });
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
    assertThat(cancelled.getCount()).isZero();
  }

  @Test
  void aCallerWhoLeavesEndsTheInference() throws InterruptedException {
    var call =
        GRPCInferenceServiceGrpc.newFutureStub(channel)
            .modelInfer(pair().setRawInputContents(1, bytes(WAITS)).build());
    assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();

    call.cancel(true);

    assertThat(cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private List<ModelStreamInferResponse> stream(ModelInferRequest... requests) {
    CompletableFuture<List<ModelStreamInferResponse>> all = new CompletableFuture<>();
    List<ModelStreamInferResponse> came = new ArrayList<>();
    StreamObserver<ModelInferRequest> out =
        GRPCInferenceServiceGrpc.newStub(channel)
            .modelStreamInfer(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ModelStreamInferResponse answer) {
                    came.add(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    all.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    all.complete(came);
                  }
                });
    for (ModelInferRequest request : requests) {
      out.onNext(request);
    }
    out.onCompleted();
    return all.orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static boolean isFinal(ModelStreamInferResponse answer) {
    return answer.getInferResponse().getParametersOrThrow("triton_final_response").getBoolParam();
  }

  @Test
  void aStreamGivesEachWordAndSaysWhichIsTheLast() {
    List<ModelStreamInferResponse> words = stream(say("a b c").setId("s1").build());

    assertThat(words)
        .extracting(InferenceGrpcServiceTest::isFinal)
        .containsExactly(false, false, true);
    assertThat(words).allMatch(answer -> answer.getInferResponse().getId().equals("s1"));
    assertThat(words)
        .extracting(word -> word.getInferResponse().getRawOutputContents(0))
        .containsExactly(bytes("a"), bytes("b"), bytes("c"));
  }

  /** As Triton does whose model gives its last answer and the mark of the end together. */
  @Test
  void noEmptyAnswerFollowsTheLast() {
    List<ModelStreamInferResponse> words =
        stream(
            say("a b")
                .putParameters(
                    "triton_enable_empty_final_response",
                    InferParameter.newBuilder().setBoolParam(true).build())
                .build());

    assertThat(words).extracting(InferenceGrpcServiceTest::isFinal).containsExactly(false, true);
  }

  @Test
  void aModelThatGivesAnAnswerTooManyIsABug() {
    assertThatThrownBy(() -> stub.modelInfer(pair().setRawInputContents(1, bytes(TWICE)).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL));
  }

  @Test
  void theLargestNumbersAreALongTimeAndALevelThatIsNone() {
    InferParameter beyond = InferParameter.newBuilder().setUint64Param(-1).build();

    var unused =
        stub.modelInfer(
            pair().putParameters("timeout", beyond).putParameters("priority", beyond).build());

    assertThat(commands.getFirst().caller().lane()).isEqualTo(Lane.INTERACTIVE);
  }

  @Test
  void anErrorIsAnAnswerAndTheStreamGoesOn() {
    List<ModelStreamInferResponse> answers =
        stream(say("a").setModelName("nope").setId("s3").build(), pair().setId("s4").build());

    assertThat(answers).hasSize(2);
    assertThat(answers)
        .anySatisfy(
            answer -> {
              assertThat(answer.getErrorMessage())
                  .isEqualTo("Request for unknown model: 'nope' is not found");
              assertThat(answer.getInferResponse().getId()).isEqualTo("s3");
            })
        .anySatisfy(
            answer -> {
              assertThat(answer.getErrorMessage()).isEmpty();
              assertThat(answer.getInferResponse().getId()).isEqualTo("s4");
              assertThat(isFinal(answer)).isTrue();
            });
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
