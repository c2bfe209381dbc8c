package io.ballast.inference.triton.export;

import static io.ballast.inference.triton.export.Exports.config;
import static io.ballast.inference.triton.export.Exports.parameters;
import static io.ballast.inference.triton.export.Exports.version;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.torch.Activation;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.FamilyFolders;
import io.ballast.inference.torch.TinyTokenizer;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the entry of an exported decoder holds, and which decoders are refused. */
class TritonExportDecoderTest {
  @TempDir private Path folder = Path.of(".");

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
              "gpu.py",
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
        .hasMessage("java-tiny: a decoder is exported for the python back end alone");
    assertThat(folder.resolve("repository")).doesNotExist();
  }

  @Test
  void aDecoderForGpusDiffersInItsInstancesAlone() throws IOException {
    ExportOptions options = ExportOptions.defaults();
    List<Version> versions = List.of(version("java-tiny", 1));
    Path cpu = new TritonExport(folder.resolve("cpu"), options).decoder("java-tiny", versions);
    Path gpu =
        new TritonExport(folder.resolve("gpu"), options.with(new Instances(Device.GPU, 1, 1)))
            .decoder("java-tiny", versions);

    assertThat(Files.readString(gpu.resolve("config.pbtxt")))
        .contains("instance_group {\n  count: 1\n  kind: KIND_GPU\n}\n")
        .isEqualTo(Files.readString(cpu.resolve("config.pbtxt")).replace("KIND_CPU", "KIND_GPU"));
    for (String file : List.of("model.py", "network.py", "gpu.py", "decoder.json")) {
      assertThat(gpu.resolve("1").resolve(file))
          .hasSameBinaryContentAs(cpu.resolve("1").resolve(file));
    }
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
}
