package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.TextFormat;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelDynamicBatching;
import io.ballast.kserve.v2.ModelInstanceGroup.Kind;
import io.ballast.kserve.v2.ModelQueuePolicy;
import io.ballast.standalone.pull.TinyFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** models export writes what Triton reads, or says in one line what is wrong and how to mend it. */
class ExportCommandTest {
  @TempDir private Path folder = Path.of(".");

  private Cli.Result export(String... args) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "models",
                "export",
                "--triton",
                folder.resolve("repository").toString(),
                "--data",
                folder.resolve("data").toString()));
    all.addAll(List.of(args));
    return Cli.run(Path.of(".."), Map.of(), all.toArray(String[]::new));
  }

  private ModelConfig config(String name) throws IOException {
    return TextFormat.parse(
        Files.readString(folder.resolve("repository").resolve(name).resolve("config.pbtxt")),
        ModelConfig.class);
  }

  @ParameterizedTest
  @CsvSource({
    "java-reward, scoring heads, model.onnx",
    "java-gate-suggestion/1, a gate, model.onnx",
    "java-tiny/1, a decoder, model.safetensors"
  })
  void everyKindOfOursIsWritten(String named, String kind, String file) throws IOException {
    Cli.Result result = export(named);
    String name = named.replace("/1", "");

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    assertThat(result.out()).startsWith(name + ": " + kind + ", version 1, in ");
    assertThat(result.out()).contains("Serve it: tritonserver --model-repository=");
    assertThat(folder.resolve("repository").resolve(name).resolve("1").resolve(file)).exists();
    assertThat(config(name).getVersionPolicy().getSpecific().getVersionsList()).containsExactly(1L);
  }

  @Test
  void theDefaultsAreThoseOfTheLibrary() throws IOException {
    export("java-gate-context/1");

    assertThat(config("java-gate-context").getMaxBatchSize()).isEqualTo(32);
    assertThat(config("java-gate-context").getDynamicBatching())
        .isEqualTo(
            ModelDynamicBatching.newBuilder()
                .setPriorityLevels(3)
                .setDefaultPriorityLevel(1)
                .setDefaultQueuePolicy(
                    ModelQueuePolicy.newBuilder()
                        .setDefaultTimeoutMicroseconds(10_000_000)
                        .setAllowTimeoutOverride(true)
                        .setMaxQueueSize(64))
                .build());
  }

  @Test
  void everyOptionReachesTheConfiguration() throws IOException {
    Cli.Result result =
        export(
            "java-gate-context/1",
            "--as",
            "gate",
            "--number",
            "7",
            "--backend",
            "onnxruntime",
            "--device",
            "gpu",
            "--instances",
            "2",
            "--threads",
            "3",
            "--max-batch",
            "16",
            "--preferred-batch",
            "4,8",
            "--batch-delay",
            "2ms",
            "--max-queue",
            "5",
            "--queue-timeout",
            "3s",
            "--on-timeout",
            "delay",
            "--no-timeout-override",
            "--no-lanes",
            "--json");

    JsonNode json = result.json();
    assertThat(json.path("name").asText()).isEqualTo("gate");
    assertThat(json.path("kind").asText()).isEqualTo("gate");
    assertThat(json.path("backend").asText()).isEqualTo("onnxruntime");
    assertThat(json.path("versions").toString()).isEqualTo("[7]");
    ModelConfig config = config("gate");
    assertThat(config.getBackend()).isEqualTo("onnxruntime");
    assertThat(config.getInstanceGroup(0).getKind()).isEqualTo(Kind.KIND_GPU);
    assertThat(config.getInstanceGroup(0).getCount()).isEqualTo(2);
    assertThat(config.getParametersOrThrow("intra_op_thread_count").getStringValue())
        .isEqualTo("3");
    assertThat(config.getVersionPolicy().getSpecific().getVersionsList()).containsExactly(7L);
    assertThat(config.getMaxBatchSize()).isEqualTo(16);
    assertThat(config.getDynamicBatching())
        .isEqualTo(
            ModelDynamicBatching.newBuilder()
                .addPreferredBatchSize(4)
                .addPreferredBatchSize(8)
                .setMaxQueueDelayMicroseconds(2_000)
                .setDefaultQueuePolicy(
                    ModelQueuePolicy.newBuilder()
                        .setTimeoutAction(ModelQueuePolicy.TimeoutAction.DELAY)
                        .setDefaultTimeoutMicroseconds(3_000_000)
                        .setMaxQueueSize(5))
                .build());
  }

  @Test
  void limitsCanBeLeftOut() throws IOException {
    export("java-gate-context/1", "--as", "a", "--max-queue", "0", "--no-queue-timeout");
    export("java-gate-context/1", "--as", "b", "--plain-queue", "--max-queue", "5");

    ModelQueuePolicy policy = config("a").getDynamicBatching().getDefaultQueuePolicy();
    assertThat(policy.getMaxQueueSize()).isZero();
    assertThat(policy.getDefaultTimeoutMicroseconds()).isZero();
    assertThat(config("b").getDynamicBatching())
        .isEqualTo(ModelDynamicBatching.getDefaultInstance());
  }

  @Test
  void whatIsWrongIsOneLineWithItsMend() throws IOException {
    export("java-gate-context/1");

    Cli.Result again = export("java-gate-context/1");
    assertThat(again.exit()).isEqualTo(4);
    assertThat(again.err())
        .contains("repository/java-gate-context: is there already, and nothing is replaced; ");
    assertThat(export("java-nothing").err())
        .startsWith("mesh: there is no model java-nothing; there are: ")
        .contains("java-reward");
    Cli.Result several = export("java-cost");
    assertThat(several.exit()).isEqualTo(2);
    assertThat(several.err()).contains("java-cost: say which version: java-cost/1, java-cost/2");
    assertThat(export("java-cost/1", "java-reward/1").err())
        .contains("java-reward and java-cost: one call exports versions of one model");
    assertThat(export("java-cost/1", "java-cost/1").err()).contains("java-cost/1: named twice");
    assertThat(export("java-reward", "--max-batch", "0").err())
        .contains("max_batch: 0 (expected: ≥ 1)");
    Cli.Result decoder = export("java-tiny", "--backend", "onnxruntime");
    assertThat(decoder.exit()).isEqualTo(1);
    assertThat(decoder.err()).contains("java-tiny: a decoder is exported for the python back end");
    assertThat(Cli.run(Path.of(".."), Map.of(), "models", "export", "java-tiny").err())
        .contains("--triton");
  }

  /** A pod's init containers run again, on what they wrote, when its node has started anew. */
  @Test
  void whatIsThereWholeIsKeptWhereThatIsAskedFor() throws IOException {
    Path entry = folder.resolve("repository/java-gate-context");
    // what a call leaves that was killed while it wrote
    Files.createDirectories(folder.resolve("repository/.java-gate-context123/1"));
    Cli.Result first = export("java-gate-context/1", "--keep");
    assertThat(first.exit()).isZero();
    assertThat(first.out()).startsWith("java-gate-context: a gate, version 1, in ");
    Object written = Files.readAttributes(entry, BasicFileAttributes.class).fileKey();
    String config = Files.readString(entry.resolve("config.pbtxt"));

    Cli.Result again = export("java-gate-context/1", "--keep");
    assertThat(again.exit()).isZero();
    assertThat(again.err()).isEmpty();
    assertThat(again.out())
        .startsWith("java-gate-context: a gate, version 1, left as it was in ")
        .contains("repository/java-gate-context\n");
    assertThat(export("java-gate-context/1", "--keep", "--json").json().path("kept").asBoolean())
        .isTrue();
    assertThat(Files.readAttributes(entry, BasicFileAttributes.class).fileKey()).isEqualTo(written);
    assertThat(entry.resolve("config.pbtxt")).hasContent(config);
  }

  @Test
  void whatIsNotWholeOrOfOtherVersionsIsNotKept() throws IOException {
    export("java-cost/1");
    Cli.Result more = export("java-cost/1", "java-cost/2", "--keep");
    assertThat(more.exit()).isEqualTo(4);
    assertThat(more.err())
        .contains(
            "repository/java-cost: is there already, with the versions {version_1=java-cost/1}"
                + " (expected: {version_1=java-cost/1, version_2=java-cost/2}), and nothing is");

    Files.createDirectories(folder.resolve("repository/half/1"));
    Cli.Result half = export("java-cost/1", "--as", "half", "--keep");
    assertThat(half.exit()).isEqualTo(4);
    assertThat(half.err()).contains("half: is there already, with the versions {} (expected: {ver");

    Files.writeString(folder.resolve("repository/java-cost/1/model.onnx"), "damaged");
    Cli.Result damaged = export("java-cost/1", "--keep");
    assertThat(damaged.exit()).isEqualTo(1);
    assertThat(damaged.err()).contains("java-cost/1/model.onnx: SHA-256 ");
  }

  @Test
  void aVersionWhoseNameIsNoNumberGetsOne() throws IOException {
    TinyFolder.write(folder.resolve("data/models/tiny/run-0a1b2c3d"));

    assertThat(export("tiny").err())
        .contains("tiny/run-0a1b2c3d: Triton numbers versions; say which this one is: --number 1");
    assertThat(export("tiny", "--number", "3").out()).startsWith("tiny: a decoder, version 3, in ");
  }

  @Test
  void aDecoderHasTheTensorsOfTheConventionNamed() throws IOException {
    TinyFolder.write(folder.resolve("data/models/tiny/1"));

    assertThat(export("tiny", "--as", "engine", "--convention", "tensorrt-llm").exit()).isZero();
    assertThat(folder.resolve("repository/engine/config.pbtxt"))
        .content()
        .contains("\"input_ids\"", "\"runtime_top_p\"", "\"output_log_probs\"")
        .doesNotContain("text_input");
    Cli.Result unknown = export("tiny", "--convention", "openai");
    assertThat(unknown.exit()).isEqualTo(2);
    assertThat(unknown.err()).contains("'openai' is no convention: vllm or tensorrt-llm");
    assertThat(export("java-reward", "--convention", "vllm").err())
        .contains("--convention: of decoders alone, and java-reward is scoring heads");
  }

  @Test
  void anotherKindIsNamed() throws IOException {
    Path encoder = Files.createDirectories(folder.resolve("data/models/encoder/1"));
    Files.writeString(encoder.resolve("config.json"), "{\"model_type\":\"bert\"}");
    Files.createFile(encoder.resolve("model.onnx"));
    Path judge = Files.createDirectories(folder.resolve("data/models/judge/1"));
    Files.writeString(
        judge.resolve("config.json"),
        "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForSequenceClassification\"]}");
    Files.createDirectories(folder.resolve("data/models/empty/1"));

    assertThat(export("encoder").err())
        .contains("encoder/1: an encoder in ONNX; decoders, scoring heads and gates can be");
    assertThat(export("judge").err()).contains("judge/1: a classifier; decoders");
    assertThat(export("empty").err()).contains("empty/1: of no kind that is known; decoders");
    Files.writeString(
        Files.createDirectories(folder.resolve("data/models/odd/1")).resolve("config.json"),
        "{\"model_type\":\"falcon\"}");
    assertThat(export("odd").err()).contains("model_type: falcon (expected: one of [llama,");
  }
}
