package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.testing.RealTriton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a model for GPUs says on the real Triton where it cannot run: here, for there is neither GPU
 * nor CuPy. What it computes on a GPU is not seen here but by {@code src/test/triton/gpu_check.py}.
 */
class ExportedGpuIT {
  private static final Path MODELS = Path.of("..", "models");

  @TempDir private static Path folder;
  private static RealTriton server;
  private static KServeConnection connection;
  private static ModelRepository repository;

  @BeforeAll
  static void export() throws IOException {
    TritonExport export =
        new TritonExport(
            folder.resolve("repository"),
            ExportOptions.defaults().with(new Instances(Device.GPU, 1, 1)));
    List<Version> tiny = List.of(new Version(1, MODELS.resolve("java-tiny/1")));
    export.decoder("decoder", tiny);
    pretend(export.decoder("lacks-cupy", tiny));
    pretend(
        export.scoring(
            "lacks-cuda",
            List.of(new Version(1, MODELS.resolve("java-reward/1"))),
            trunk -> MODELS.resolve("java-tiny/1")));
    server = RealTriton.start(folder.resolve("repository"));
    connection = KServeConnection.open(server.address(), KServeSettings.defaults());
    repository = connection.client().repository();
  }

  /** Lets an entry take the CPU, which Triton grants it, for a GPU. */
  private static void pretend(Path entry) throws IOException {
    replace(entry.resolve("config.pbtxt"), "KIND_GPU", "KIND_CPU");
    replace(
        entry.resolve("1/model.py"),
        "args[\"model_instance_kind\"] == \"GPU\"",
        "args[\"model_instance_kind\"] == \"CPU\"");
  }

  private static void replace(Path file, String text, String other) throws IOException {
    String before = Files.readString(file);
    assertThat(before).containsOnlyOnce(text);
    Files.writeString(file, before.replace(text, other));
  }

  @AfterAll
  static void close() {
    connection.close();
    server.close();
  }

  @Test
  void withoutAGpuTritonItselfRefuses() {
    assertThat(failure(Reason.LOAD_FAILED, () -> repository.load("decoder")))
        .contains("has kind KIND_GPU but no GPUs are available");
  }

  @Test
  void aDecoderWithoutCupySaysWhatToInstall() {
    assertThat(failure(Reason.LOAD_FAILED, () -> repository.load("lacks-cupy")))
        .contains(
            "this model's instances are KIND_GPU, and CuPy cannot be imported by the python that"
                + " runs it: pip install cupy-cuda13x there")
        .contains("No module named 'cupy'");
  }

  @Test
  void scoringIsNotLeftToTheCpuSilently() {
    assertThat(failure(Reason.LOAD_FAILED, () -> repository.load("lacks-cuda")))
        .contains(
            "this model's instances are KIND_GPU, and the onnxruntime of the python that runs it"
                + " has no CUDA there: pip install onnxruntime-gpu");
  }
}
