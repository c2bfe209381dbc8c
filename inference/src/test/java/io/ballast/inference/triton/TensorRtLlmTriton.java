package io.ballast.inference.triton;

import io.ballast.inference.store.ModelStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** One real Triton of models that keep the convention of TensorRT-LLM's. It ends with the JVM. */
final class TensorRtLlmTriton {
  private static final Path FILES = TritonInstallation.FILES.resolve("trtllm");

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

  private static final TritonServer SERVER = start();
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());
  private static final KServeConnection HURRIED =
      KServeConnection.open(
          SERVER.address(), KServeSettings.defaults().withInferDeadline(Duration.ofSeconds(1)));

  private TensorRtLlmTriton() {}

  static KServeClient client() {
    return CONNECTION.client();
  }

  /** One that waits for a second. */
  static KServeClient hurried() {
    return HURRIED.client();
  }

  static TritonServer server() {
    return SERVER;
  }

  private static TritonServer start() {
    try {
      Path repository = Files.createTempDirectory("triton-trtllm");
      for (String name : REPEATERS) {
        Path version = Files.createDirectories(repository.resolve(name).resolve("1"));
        Files.copy(FILES.resolve(name + ".pbtxt"), version.resolveSibling("config.pbtxt"));
        Files.copy(FILES.resolve("model.py"), version.resolve("model.py"));
      }
      TritonServer server = TritonServer.start(repository, REPEATERS.toArray(String[]::new));
      ModelStore.deleteAll(repository);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
