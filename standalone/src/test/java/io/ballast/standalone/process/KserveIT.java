package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.ByteString;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.KServeConnection;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.inference.triton.ServedModel;
import io.ballast.inference.triton.VllmDecoder;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The built program, asked by the clients that users of Triton have. Needs what {@code ./mesh test
 * --triton} installs.
 */
class KserveIT {
  private static final String PROMPT = "int size = list.";
  private static final String COMPLETION = "size();";
  private static final int TOKENS = 9;
  private static final int CONTEXT_TOKENS = 256;

  @TempDir private static Path data = Path.of(".");
  private static @Nullable BuiltMesh started;

  @TempDir private Path work = Path.of(".");

  @BeforeAll
  static void start() {
    started = BuiltMesh.start(data, Map.of());
  }

  @AfterAll
  static void stop() {
    if (started != null) {
      started.close();
    }
  }

  private static BuiltMesh mesh() {
    if (started == null) {
      throw new IllegalStateException("no mesh was started");
    }
    return started;
  }

  private static String target() {
    return "127.0.0.1:" + mesh().port();
  }

  @Test
  void tritonclientFindsWhatItKnows() {
    TritonClients.Ended ended = TritonClients.installed(work).python("client_test.py", target());

    assertThat(ended.output()).containsPattern("Ran \\d\\d tests").endsWith("OK\n");
    assertThat(ended.exitCode()).isZero();
  }

  @Test
  void theExampleOfThePageRuns() throws IOException {
    TritonClients.Ended ended = TritonClients.installed(work).python("example.py", target());

    assertThat(ended.output()).containsPattern("reward -?[0-9.]+  size\\(\\);").contains("banana");
    assertThat(ended.exitCode()).as(ended.output()).isZero();
    Path example = BuiltMesh.home().resolve("standalone/src/test/kserve/example.py");
    assertThat(Files.readString(BuiltMesh.home().resolve("docs/kserve.md")))
        .contains(Files.readString(example));
  }

  @Test
  void perfAnalyzerMeasuresAJudge() throws IOException {
    TritonClients.Ended ended =
        TritonClients.installed(work)
            .perfAnalyzer(
                "-u", target(), "-m", "java-cost", "-x", "2", "-b", "2", "--request-count", "6");

    assertThat(ended.output()).contains("Successful request count: 6", "Inference count: 12");
    assertThat(ended.exitCode()).isZero();
  }

  @Test
  void perfAnalyzerMeasuresAPolicyAsADecoupledModel() throws IOException {
    Path input = work.resolve("input.json");
    Files.writeString(
        input,
        """
        {"data": [{"text_input": ["int size = list."], "stream": [true],
                   "sampling_parameters": ["{\\"temperature\\": 0, \\"max_tokens\\": 6}"]}]}
        """);
    Path profile = work.resolve("profile.json");

    TritonClients.Ended ended =
        TritonClients.installed(work)
            .perfAnalyzer(
                "-u",
                target(),
                "-m",
                "java-tiny",
                "--async",
                "--streaming",
                "--request-count",
                "6",
                "--input-data",
                input.toString(),
                "--profile-export-file",
                profile.toString());

    assertThat(ended.output()).contains("Detected decoupled model", "Successful request count: 6");
    assertThat(ended.exitCode()).isZero();
    assertThat(Files.readString(profile)).contains("response_timestamps");
  }

  @Test
  void aRewardIsThatOfScore() {
    ScoreResult own =
        RewardServiceGrpc.newBlockingStub(mesh().channel())
            .score(
                ScoreRequest.newBuilder()
                    .addItems(
                        ScoreItem.newBuilder()
                            .setPrompt(text(PROMPT))
                            .setCompletion(text(COMPLETION)))
                    .build())
            .getResults(0);

    ModelInferResponse answer = infer("java-reward");

    assertThat(floats(answer, "reward").get(0)).isCloseTo((float) own.getValue(), within(1e-5f));
    assertThat(floats(answer, "std").get(0)).isCloseTo((float) own.getSpread(), within(1e-5f));
    FloatBuffer members = floats(answer, "members");
    assertThat(members.remaining()).isEqualTo(own.getMembersCount());
    for (int k = 0; k < own.getMembersCount(); k++) {
      assertThat(members.get(k))
          .isCloseTo((float) own.getMembers(k).getNormalisedScore(), within(1e-5f));
    }
  }

  @Test
  void aCostIsThatOfCost() {
    CostResult own =
        SafetyServiceGrpc.newBlockingStub(mesh().channel())
            .cost(
                CostRequest.newBuilder()
                    .addItems(
                        CostItem.newBuilder()
                            .setPrompt(text(PROMPT))
                            .setCompletion(text(COMPLETION)))
                    .build())
            .getResults(0);

    ModelInferResponse answer = infer("java-cost");

    assertThat(floats(answer, "cost").get(0))
        .isCloseTo((float) own.getValue().getScore(), within(1e-5f));
    assertThat(floats(answer, "harm_probability").get(0))
        .isCloseTo((float) own.getValue().getHarmProbability(), within(1e-5f));
    assertThat(raw(answer, "verdict").toString(StandardCharsets.UTF_8))
        .endsWith(own.getVerdict() == Verdict.VERDICT_BLOCK ? "BLOCK" : "ALLOW");
  }

  @Test
  void aCompletionIsThatOfSample() throws Exception {
    String own = sample().getText();

    ModelStreamInferResponse answer =
        first(
            ModelInferRequest.newBuilder()
                .setModelName("java-tiny")
                .addInputs(input("text_input", PROMPT).clearShape().addShape(1))
                .addInputs(
                    input(
                            "sampling_parameters",
                            "{\"temperature\": 0, \"max_tokens\": %d}".formatted(TOKENS))
                        .clearShape()
                        .addShape(1))
                .build());

    assertThat(own).isNotEmpty();
    assertThat(answer.getErrorMessage()).isEmpty();
    assertThat(raw(answer.getInferResponse(), "text_output").substring(4).toStringUtf8())
        .isEqualTo(PROMPT + own);
  }

  @Test
  void ourOwnClientOfTritonDecodesAsTheMeshDoes() throws Exception {
    Completion own = sample();

    Generation generation;
    try (KServeConnection connection = KServeConnection.open(target(), KServeSettings.defaults());
        HuggingFaceTokenizerAdapter tokenizer =
            HuggingFaceTokenizerAdapter.ofFolder(BuiltMesh.home().resolve("models/java-tiny/1"));
        Decoder decoder =
            VllmDecoder.open(
                connection.client(), ServedModel.of("java-tiny"), tokenizer, CONTEXT_TOKENS)) {
      generation =
          decoder
              .generate(
                  new GenerationRequest(
                      PROMPT,
                      false,
                      0,
                      io.ballast.inference.api.SamplingOptions.builder()
                          .temperature(0)
                          .maxNewTokens(TOKENS)
                          .build()),
                  token -> {})
              .result()
              .get(60, TimeUnit.SECONDS);
    }

    assertThat(generation.text()).isEqualTo(own.getText());
    assertThat(generation.tokens().toArray())
        .containsExactly(
            own.getTokens().getTokenIdsList().stream().mapToInt(Integer::intValue).toArray());
    assertThat(generation.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    for (int t = 0; t < TOKENS; t++) {
      assertThat(generation.logProbs().get(t)).isCloseTo(own.getLogProbs(t), within(1e-3f));
    }
  }

  /** What the likeliest tokens after the prompt are. */
  private static Completion sample() {
    return PolicyServiceGrpc.newBlockingStub(mesh().channel())
        .sample(
            SampleRequest.newBuilder()
                .addPrompts(text(PROMPT))
                .setSampling(SamplingOptions.newBuilder().setTemperature(0).setMaxNewTokens(TOKENS))
                .build())
        .getResults(0)
        .getGroup()
        .getCompletions(0);
  }

  /** The only answer to the only request of a stream. */
  private static ModelStreamInferResponse first(ModelInferRequest request) throws Exception {
    CompletableFuture<ModelStreamInferResponse> answer = new CompletableFuture<>();
    StreamObserver<ModelInferRequest> requests =
        GRPCInferenceServiceGrpc.newStub(mesh().channel())
            .modelStreamInfer(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ModelStreamInferResponse response) {
                    answer.complete(response);
                  }

                  @Override
                  public void onError(Throwable error) {
                    answer.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {
                    answer.completeExceptionally(new AssertionError("no answer"));
                  }
                });
    requests.onNext(request);
    requests.onCompleted();
    return answer.get(60, TimeUnit.SECONDS);
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static ModelInferResponse infer(String model) {
    return GRPCInferenceServiceGrpc.newBlockingStub(mesh().channel())
        .modelInfer(
            ModelInferRequest.newBuilder()
                .setModelName(model)
                .addInputs(input("prompt", PROMPT))
                .addInputs(input("completion", COMPLETION))
                .build());
  }

  private static InferInputTensor.Builder input(String name, String text) {
    return InferInputTensor.newBuilder()
        .setName(name)
        .setDatatype("BYTES")
        .addShape(1)
        .addShape(1)
        .setContents(
            InferTensorContents.newBuilder().addBytesContents(ByteString.copyFromUtf8(text)));
  }

  private static FloatBuffer floats(ModelInferResponse answer, String output) {
    return raw(answer, output)
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer();
  }

  private static ByteString raw(ModelInferResponse answer, String output) {
    int index =
        IntStream.range(0, answer.getOutputsCount())
            .filter(i -> answer.getOutputs(i).getName().equals(output))
            .findFirst()
            .orElseThrow();
    return answer.getRawOutputContents(index);
  }
}
