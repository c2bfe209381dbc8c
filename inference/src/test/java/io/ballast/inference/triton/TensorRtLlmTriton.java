package io.ballast.inference.triton;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.export.DecoderConvention;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonInstallation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** One real Triton of models that keep the convention of TensorRT-LLM's. It ends with the JVM. */
final class TensorRtLlmTriton {
  private static final Path FILES = TritonInstallation.FILES.resolve("trtllm");

  private static final Path JAVA_TINY = DecoderContract.MODELS.resolve("java-tiny/1");

  /** What repeats its prompt, as several releases and configurations would serve it. */
  private static final List<String> REPEATERS =
      List.of(
          "tokens",
          "tokens_old",
          "tokens_whole",
          "tokens_seedless",
          "tokens_demanding",
          "tokens_fragile",
          "text",
          "text_old",
          "text_whole");

  private static final RealTriton SERVER = start();
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());
  private static final KServeConnection DRAINING =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults().withDrainStreams(true));
  private static final KServeConnection HURRIED =
      KServeConnection.open(
          SERVER.address(), KServeSettings.defaults().withInferDeadline(Duration.ofSeconds(1)));

  private TensorRtLlmTriton() {}

  static KServeClient client() {
    return CONNECTION.client();
  }

  /** One that cancels no stream, of which this Triton may die. */
  static KServeClient draining() {
    return DRAINING.client();
  }

  /** One that waits for a second. */
  static KServeClient hurried() {
    return HURRIED.client();
  }

  static RealTriton server() {
    return SERVER;
  }

  private static RealTriton start() {
    try {
      Path repository = Files.createTempDirectory("triton-trtllm");
      for (String name : REPEATERS) {
        var unused = entry(repository, name, "model.py");
      }
      new TritonExport(repository, ExportOptions.defaults().with(Queue.plain()))
          .decoder(
              "tensorrt_llm", List.of(new Version(1, JAVA_TINY)), DecoderConvention.TENSORRT_LLM);
      for (String name : List.of("preprocessing", "postprocessing", "bls")) {
        Path version = entry(repository, name, name + ".py");
        Files.copy(JAVA_TINY.resolve("tokenizer.json"), version.resolve("tokenizer.json"));
      }
      Path ensemble = Files.createDirectories(repository.resolve("ensemble").resolve("1"));
      Files.copy(FILES.resolve("ensemble.pbtxt"), ensemble.resolveSibling("config.pbtxt"));
      RealTriton server =
          RealTriton.start(
              repository,
              Stream.concat(REPEATERS.stream(), Stream.of("ensemble", "bls"))
                  .toArray(String[]::new));
      ModelStore.deleteAll(repository);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes a model of ours, and returns the folder of its version. */
  private static Path entry(Path repository, String name, String model) throws IOException {
    Path version = Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.copy(FILES.resolve(name + ".pbtxt"), version.resolveSibling("config.pbtxt"));
    Files.copy(FILES.resolve(model), version.resolve("model.py"));
    return version;
  }
}
