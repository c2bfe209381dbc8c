package io.ballast.inference.triton.export;

import static io.ballast.inference.triton.export.Exports.MODELS;
import static io.ballast.inference.triton.export.Exports.config;
import static io.ballast.inference.triton.export.Exports.parameters;
import static io.ballast.inference.triton.export.Exports.reward;
import static io.ballast.inference.triton.export.Exports.trunk;
import static io.ballast.inference.triton.export.Exports.version;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelDynamicBatching;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelInstanceGroup.Kind;
import io.ballast.kserve.v2.ModelOutput;
import io.ballast.kserve.v2.ModelParameter;
import io.ballast.kserve.v2.ModelQueuePolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an exported entry holds, read back as Triton reads it. */
class TritonExportTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void theDefaultsAreWritten() throws IOException {
    Path entry = reward(folder.resolve("repository"), ExportOptions.defaults());
    ModelConfig config = config(entry);

    assertThat(config.getName()).isEqualTo("java-reward");
    assertThat(config.getBackend()).isEqualTo("python");
    assertThat(config.getDefaultModelFilename()).isEqualTo("model.py");
    assertThat(config.getVersionPolicy().getSpecific().getVersionsList()).containsExactly(1L);
    assertThat(config.getMaxBatchSize()).isEqualTo(32);
    assertThat(config.getInstanceGroupList()).hasSize(1);
    assertThat(config.getInstanceGroup(0).getKind()).isEqualTo(Kind.KIND_CPU);
    assertThat(config.getInstanceGroup(0).getCount()).isEqualTo(1);
    assertThat(config.getDynamicBatching())
        .isEqualTo(
            ModelDynamicBatching.newBuilder()
                .setPriorityLevels(3)
                .setDefaultPriorityLevel(1)
                .setDefaultQueuePolicy(
                    ModelQueuePolicy.newBuilder()
                        .setTimeoutAction(ModelQueuePolicy.TimeoutAction.REJECT)
                        .setDefaultTimeoutMicroseconds(10_000_000)
                        .setAllowTimeoutOverride(true)
                        .setMaxQueueSize(64))
                .build());
    assertThat(config.getInputList())
        .containsExactly(
            ModelInput.newBuilder()
                .setName("input_ids")
                .setDataType(DataType.TYPE_INT64)
                .addDims(-1)
                .setAllowRaggedBatch(true)
                .build(),
            ModelInput.newBuilder()
                .setName("prompt_tokens")
                .setDataType(DataType.TYPE_INT64)
                .addDims(1)
                .build(),
            ModelInput.newBuilder()
                .setName("completion_tokens")
                .setDataType(DataType.TYPE_INT64)
                .addDims(1)
                .build());
    assertThat(config.getOutputList())
        .containsExactly(
            ModelOutput.newBuilder()
                .setName("scores")
                .setDataType(DataType.TYPE_FP32)
                .addDims(5)
                .build());
    assertThat(config.hasModelTransactionPolicy()).isFalse();
    try (var files = Files.list(entry.resolve("1"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("model.onnx", "model.py");
    }
    ModelManifest.read(entry).orElseThrow().verify(entry);
  }

  @Test
  void everyOptionReachesItsField() throws IOException {
    ModelConfig config =
        config(
            reward(
                folder.resolve("repository"),
                new ExportOptions(
                    Backend.ONNXRUNTIME,
                    new Instances(Device.GPU, 2, 3),
                    new Batching(16, List.of(4, 8), Duration.ofMillis(2)),
                    new Queue(
                        Optional.of(7),
                        Optional.of(Duration.ofSeconds(3)),
                        TimeoutAction.DELAY,
                        false,
                        false))));

    assertThat(config.getBackend()).isEqualTo("onnxruntime");
    assertThat(config.getDefaultModelFilename()).isEqualTo("model.onnx");
    assertThat(config.getInstanceGroup(0).getKind()).isEqualTo(Kind.KIND_GPU);
    assertThat(config.getInstanceGroup(0).getCount()).isEqualTo(2);
    assertThat(config.getParametersOrThrow("intra_op_thread_count"))
        .isEqualTo(ModelParameter.newBuilder().setStringValue("3").build());
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
                        .setMaxQueueSize(7))
                .build());
    // Triton's own back end batches rows of one length alone
    assertThat(config.getInput(0).getAllowRaggedBatch()).isFalse();
  }

  @Test
  void aPlainQueueHasNoPolicyAtAll() throws IOException {
    ModelConfig config =
        config(reward(folder.resolve("repository"), ExportOptions.defaults().with(Queue.plain())));

    assertThat(config.hasDynamicBatching()).isTrue();
    assertThat(config.getDynamicBatching()).isEqualTo(ModelDynamicBatching.getDefaultInstance());
  }

  @Test
  void versionsAreServedSideBySideAndTellHowTheyAreAsked() throws IOException {
    Path entry =
        new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
            .scoring(
                "java-cost",
                List.of(version("java-cost", 2), version("java-cost", 1)),
                Exports::trunk);
    ModelConfig config = config(entry);

    assertThat(config.getVersionPolicy().getSpecific().getVersionsList()).containsExactly(1L, 2L);
    assertThat(entry.resolve("1/model.onnx")).exists();
    assertThat(entry.resolve("2/model.onnx")).exists();
    PlainScoring one = ExportedScoring.read(parameters(config), "1");
    PlainScoring two = ExportedScoring.read(parameters(config), "2");
    assertThat(one.spec().kind()).isEqualTo(ScoringKind.COST);
    assertThat(one.contextTokens()).isEqualTo(256);
    assertThat(one.vocabularySize()).isEqualTo(4096);
    assertThat(two.spec()).isNotEqualTo(one.spec());
    assertThat(ExportedScoring.versions(parameters(config))).containsExactly("1", "2");
    for (String number : List.of("1", "2")) {
      Path source = version("java-cost", Integer.parseInt(number)).folder();
      assertThat(ExportedScoring.origin(parameters(config), number))
          .isEqualTo(
              new ExportedScoring.Origin(
                  new PinnedVersion(
                      "java-cost",
                      number,
                      ModelManifest.read(source)
                          .flatMap(ModelManifest::weightsSha256)
                          .orElseThrow()),
                  Optional.of(Sha256.of(trunk(one.spec().trunk()).resolve("tokenizer.json")))));
    }
    assertThatThrownBy(() -> ExportedScoring.origin(Map.of("source_1", "java-cost"), "1"))
        .hasMessage("parameter 'source_1': 'java-cost' (expected: name/version)");
    assertThatThrownBy(() -> ExportedScoring.read(parameters(config), "3"))
        .hasMessageStartingWith("parameter 'scoring_config_3': none (expected:");
  }

  @Test
  void treesAreRowsOfNumbers() throws IOException {
    Path entry =
        new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
            .trees("gate", List.of(version("java-gate-context", 1)), "gate.json");
    ModelConfig config = config(entry);

    assertThat(config.getInputList())
        .containsExactly(
            ModelInput.newBuilder()
                .setName("features")
                .setDataType(DataType.TYPE_FP32)
                .addDims(47)
                .build());
    assertThat(config.getOutputList())
        .containsExactly(
            ModelOutput.newBuilder()
                .setName("log_odds")
                .setDataType(DataType.TYPE_FP32)
                .addDims(1)
                .build());
    assertThat(parameters(config).get("trees_config_1"))
        .isEqualTo(Files.readString(MODELS.resolve("java-gate-context/1/gate.json")));
    assertThat(ModelManifest.read(entry).orElseThrow().notes())
        .containsOnly(
            Map.entry("version_1", "java-gate-context/1"),
            Map.entry(ModelManifest.CODE_VERSION, CodeVersion.built().toString()));
  }

  /** What a model says of itself is anybody's text: it must not become configuration. */
  @Test
  void whateverAParameterSaysStaysAText() throws IOException {
    Path gate = folder.resolve("gate/1");
    Files.createDirectories(gate);
    Files.copy(MODELS.resolve("java-gate-context/1/trees.ubj"), gate.resolve("trees.ubj"));
    String hostile = "\"}\n}\nbackend: \"evil\" # \\ ' \u0000 \ud83d\ude00 \r\n\t\\\"";
    Files.writeString(gate.resolve("says.json"), hostile);

    Path entry =
        new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
            .trees("gate", List.of(new Version(1, gate)), "says.json");

    ModelConfig config = config(entry);
    assertThat(parameters(config)).containsEntry("trees_config_1", hostile);
    assertThat(config.getBackend()).isEqualTo("python");
    assertThat(Files.readString(entry.resolve("config.pbtxt"))).matches("\\p{ASCII}*");
  }
}
