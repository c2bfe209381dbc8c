package io.ballast.inference.triton.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.TextFormat;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.Activation;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.FamilyFolders;
import io.ballast.inference.torch.TinyTokenizer;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelDynamicBatching;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelInstanceGroup.Kind;
import io.ballast.kserve.v2.ModelOutput;
import io.ballast.kserve.v2.ModelParameter;
import io.ballast.kserve.v2.ModelQueuePolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an exported entry holds, read back as Triton reads it. */
class TritonExportTest {
  private static final Path MODELS = Path.of("..", "models");

  @TempDir private Path folder = Path.of(".");

  private static Path trunk(TrunkReference reference) {
    return MODELS.resolve(reference.model()).resolve(reference.version());
  }

  private static Version version(String name, long number) {
    return new Version(number, MODELS.resolve(name).resolve(Long.toString(number)));
  }

  private Path reward(ExportOptions options) throws IOException {
    return new TritonExport(folder.resolve("repository"), options)
        .scoring("java-reward", List.of(version("java-reward", 1)), TritonExportTest::trunk);
  }

  private static ModelConfig config(Path entry) throws IOException {
    return TextFormat.parse(Files.readString(entry.resolve("config.pbtxt")), ModelConfig.class);
  }

  private static Map<String, String> parameters(ModelConfig config) {
    return config.getParametersMap().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().getStringValue()));
  }

  @Test
  void theDefaultsAreWritten() throws IOException {
    Path entry = reward(ExportOptions.defaults());
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
    ModelConfig config = config(reward(ExportOptions.defaults().with(Queue.plain())));

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
                TritonExportTest::trunk);
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
                  Optional.of(
                      ModelManifest.sha256(trunk(one.spec().trunk()).resolve("tokenizer.json")))));
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
        .isEqualTo(Map.of("version_1", "java-gate-context/1"));
  }

  @Test
  void aDecoderKeepsTheConventionOfVllm() throws IOException {
    Path entry =
        new TritonExport(
                folder.resolve("repository"),
                ExportOptions.defaults().with(new Batching(6, List.of(), Duration.ZERO)))
            .decoder("java-tiny", List.of(version("java-tiny", 1)));
    ModelConfig config = config(entry);

    assertThat(config.getMaxBatchSize()).isZero();
    assertThat(config.getModelTransactionPolicy().getDecoupled()).isTrue();
    assertThat(parameters(config)).containsEntry("max_rows", "6");
    assertThat(config.getDynamicBatching().getPriorityLevels()).isEqualTo(3);
    assertThat(config.getDynamicBatching().getDefaultQueuePolicy().getMaxQueueSize()).isEqualTo(64);
    assertThat(config.getInputList())
        .extracting(ModelInput::getName)
        .containsExactly(
            "text_input",
            "stream",
            "sampling_parameters",
            "exclude_input_in_output",
            "return_finish_reason",
            "return_logprobs");
    assertThat(config.getInputList())
        .extracting(ModelInput::getOptional)
        .containsExactly(false, true, true, true, true, true);
    assertThat(config.getOutputList())
        .extracting(ModelOutput::getName)
        .containsExactly("text_output", "finish_reason", "logprobs");
    try (var files = Files.list(entry.resolve("1"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "model.py",
              "rows.py",
              "network.py",
              "sampling.py",
              "decoder.json",
              "tokenizer.json",
              "model.safetensors");
    }
  }

  @Test
  void aDecoderKeepsTheConventionOfTensorRtLlm() throws IOException {
    Path entry =
        new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
            .decoder("java-tiny", List.of(version("java-tiny", 1)), DecoderConvention.TENSORRT_LLM);
    ModelConfig config = config(entry);

    assertThat(config.getMaxBatchSize()).isEqualTo(1);
    assertThat(config.getModelTransactionPolicy().getDecoupled()).isTrue();
    assertThat(parameters(config)).containsEntry("convention", "tensorrt-llm");
    assertThat(config.getInputList())
        .filteredOn(input -> !input.getOptional())
        .extracting(ModelInput::getName)
        .containsExactly("input_ids", "input_lengths", "request_output_len");
    assertThat(config.getOutputList())
        .extracting(ModelOutput::getName)
        .containsExactly("output_ids", "sequence_length", "cum_log_probs", "output_log_probs");
  }

  @Test
  void aDecoderThatThePythonBackEndCannotRunIsRefused() {
    assertThatThrownBy(
            () ->
                new TritonExport(
                        folder.resolve("repository"),
                        ExportOptions.defaults().with(Backend.ONNXRUNTIME))
                    .decoder("java-tiny", List.of(version("java-tiny", 1))))
        .isInstanceOf(ModelException.class)
        .hasMessage("java-tiny: a decoder is exported for the python back end on the CPU alone");
    assertThat(folder.resolve("repository")).doesNotExist();
  }

  @Test
  void versionsThatDifferInTheirTensorsAreRefused() {
    assertThatThrownBy(
            () ->
                new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                    .scoring(
                        "mixed",
                        List.of(version("java-reward", 1), version("java-cost", 2)),
                        TritonExportTest::trunk))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "mixed version 2: 3 heads on a context of 256 and a vocabulary of 4,096 (expected: as"
                + " the first version, 5 on 256 and 4,096)");
    assertThat(folder.resolve("repository")).isEmptyDirectory();
  }

  @Test
  void nothingIsReplaced() throws IOException {
    reward(ExportOptions.defaults());

    assertThatThrownBy(() -> reward(ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void whatHasTheNameAlreadyStaysWhateverItIs() throws IOException {
    Path repository = Files.createDirectories(folder.resolve("repository"));
    Path target = repository.resolve("java-reward");
    Files.createSymbolicLink(target, folder.resolve("nowhere"));
    assertThatThrownBy(() -> reward(ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.isSymbolicLink(target)).isTrue();
    Files.delete(target);
    Files.writeString(target, "mine");
    assertThatThrownBy(() -> reward(ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(target).hasContent("mine");
  }

  @Test
  void aRepositoryMayBeALink() throws IOException {
    Path real = Files.createDirectories(folder.resolve("disk/models"));
    Files.createSymbolicLink(folder.resolve("repository"), real);
    assertThat(reward(ExportOptions.defaults()).resolve("config.pbtxt")).exists();
    assertThat(real.resolve("java-reward/1/model.onnx")).exists();
    assertThat(folder.resolve("disk")).isDirectoryNotContaining("glob:**/.*");
  }

  /** Triton takes every folder of its repository for a model, and does not start if it is none. */
  @Test
  void whatIsUnderConstructionIsNotInTheRepository() throws IOException {
    Path repository = folder.resolve("repository");
    List<Path> seen = new ArrayList<>();
    new TritonExport(repository, ExportOptions.defaults())
        .scoring(
            "java-reward",
            List.of(version("java-reward", 1)),
            reference -> {
              try (var files = Files.list(repository)) {
                files.forEach(seen::add);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
              return trunk(reference);
            });
    assertThat(seen).isEmpty();
    assertThat(folder).isDirectoryNotContaining("glob:**/.*");
  }

  @Test
  void namesThatAreNoFolderOfTheRepositoryAreRefused() {
    for (String name : List.of("", ".", "..", "../x", "a/b", "a\nb", "a\"b", ".hidden", "ä")) {
      assertThatThrownBy(
              () ->
                  new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                      .scoring(name, List.of(version("java-reward", 1)), TritonExportTest::trunk))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("name: \"" + name + "\" (expected: letters,");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aNumberIsOfOneVersion() {
    TritonExport export = new TritonExport(folder.resolve("repository"), ExportOptions.defaults());
    List<Version> twice = List.of(version("java-cost", 1), new Version(1, MODELS));
    assertThatThrownBy(() -> export.scoring("costs", twice, TritonExportTest::trunk))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("versions[1]: 1 (expected: a number that no other has)");
    assertThatThrownBy(() -> export.decoder("decoder", twice))
        .hasMessageStartingWith("versions[1]: 1");
    assertThatThrownBy(() -> export.trees("trees", twice, "gate.json"))
        .hasMessageStartingWith("versions[1]: 1");
    assertThat(folder).isEmptyDirectory();
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

  @Test
  void aTokenizerWithMoreIdsThanTheModelIsRefused() throws IOException {
    Path small = folder.resolve("small/1");
    FamilyFolders.write(small, FamilyFolders.config(DecoderFamily.LLAMA), 1);
    TinyTokenizer.write(small);
    assertThatThrownBy(
            () ->
                new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                    .decoder("small", List.of(new Version(1, small))))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("tokenizer.json: 268 ids (expected: at most vocab_size 40)");
    assertThat(folder.resolve("repository")).isEmptyDirectory();
  }

  @Test
  void weightsThatTheEngineRefusesAreNotExported() throws IOException {
    DecoderConfig config =
        FamilyFolders.with(
            FamilyFolders.config(DecoderFamily.MISTRAL),
            TinyTokenizer.vocabularySize(),
            32,
            Activation.SILU);
    Path spoiled = FamilyFolders.writeSpoiled(folder.resolve("spoiled/1"), config, 1, 5);
    TinyTokenizer.write(spoiled);
    Path other = FamilyFolders.write(folder.resolve("other/1"), config, 1);
    TinyTokenizer.write(other);
    Files.writeString(
        other.resolve("config.json"),
        Files.readString(other.resolve("config.json"))
            .replace("\"intermediate_size\" : 24", "\"intermediate_size\" : 23"));
    TritonExport export = new TritonExport(folder.resolve("repository"), ExportOptions.defaults());

    assertThatThrownBy(() -> export.decoder("spoiled", List.of(new Version(1, spoiled))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("model.embed_tokens.weight[80]: NaN (expected: finite)");
    assertThatThrownBy(() -> export.decoder("other", List.of(new Version(1, other))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("mlp.")
        .hasMessageContaining("23");
    assertThat(folder.resolve("repository")).isEmptyDirectory();
  }

  @Test
  void everyFamilyIsWrittenWithEachOfItsGates() throws IOException {
    for (DecoderFamily family : DecoderFamily.values()) {
      for (Activation activation : Activation.values()) {
        if (family == DecoderFamily.GEMMA && activation == Activation.GELU) {
          continue; // as in transformers, a Gemma's "gelu" is the approximation
        }
        String name = family.modelType() + "-" + activation.code();
        Path weights = folder.resolve(name);
        FamilyFolders.write(
            weights,
            FamilyFolders.with(
                FamilyFolders.config(family), TinyTokenizer.vocabularySize(), 32, activation),
            1);
        TinyTokenizer.write(weights);
        Path entry =
            new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                .decoder(name, List.of(new Version(1, weights)));
        assertThat(Files.readString(entry.resolve("1/decoder.json")))
            .contains("\"activation\" : \"" + activation.code() + "\"");
      }
    }
  }

  @Test
  void whatIsOutOfItsRangeIsNamed() {
    assertThatThrownBy(() -> new Batching(4, List.of(2, 5), Duration.ZERO))
        .hasMessage("preferred_batch[1]: 5 (expected: 1 to max_batch, 4)");
    assertThatThrownBy(() -> new Batching(0, List.of(), Duration.ZERO))
        .hasMessage("max_batch: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new Batching(4, List.of(), Duration.ofMillis(-1)))
        .hasMessageStartingWith("batch_delay: ");
    assertThatThrownBy(() -> new Instances(Device.CPU, 0, 1))
        .hasMessage("instances: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new Instances(Device.CPU, 1, 0))
        .hasMessage("threads: 0 (expected: ≥ 1)");
    assertThatThrownBy(
            () -> new Queue(Optional.of(0), Optional.empty(), TimeoutAction.REJECT, false, false))
        .hasMessage("max_queue: 0 (expected: ≥ 1)");
    assertThatThrownBy(
            () ->
                new Queue(
                    Optional.empty(),
                    Optional.of(Duration.ZERO),
                    TimeoutAction.REJECT,
                    false,
                    false))
        .hasMessageStartingWith("queue_timeout: ");
    assertThatThrownBy(() -> new Version(0, Path.of("."))).hasMessageStartingWith("version: 0");
  }
}
