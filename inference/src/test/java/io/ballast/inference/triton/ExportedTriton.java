package io.ballast.inference.triton;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.testing.RealTriton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** One real Triton of the committed models as we export them. It ends with the JVM. */
final class ExportedTriton {
  private static final Path MODELS = Path.of("..", "models");
  private static final Path REPOSITORY = repository();
  private static final RealTriton SERVER = start(REPOSITORY);
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());

  private static final KServeConnection DRAINING =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults().withDrainStreams(true));

  private ExportedTriton() {}

  static KServeClient client() {
    return CONNECTION.client();
  }

  /** One that cancels no stream, of which this Triton may die. */
  static KServeClient draining() {
    return DRAINING.client();
  }

  /** The folder of a model that this Triton serves. */
  static Path entry(String model) {
    return REPOSITORY.resolve(model);
  }

  private static Path repository() {
    try {
      Path repository = Files.createTempDirectory("triton-exported");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(repository)));
      return repository;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path repository) {
    try {
      ModelStore.deleteAll(repository);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RealTriton start(Path repository) {
    try {
      TritonExport export = new TritonExport(repository, ExportOptions.defaults());
      export.scoring(
          "java-reward", versions("java-reward", 1), trunk -> MODELS.resolve("java-tiny/1"));
      export.scoring(
          "java-cost", versions("java-cost", 1, 2), trunk -> MODELS.resolve("java-tiny/1"));
      export.decoder("java-tiny", versions("java-tiny", 1));
      new TritonExport(
              repository,
              ExportOptions.defaults()
                  .with(new Batching(1, List.of(), Duration.ZERO))
                  .with(
                      new Queue(
                          Optional.of(2), Optional.empty(), TimeoutAction.REJECT, true, true)))
          .decoder("narrow", versions("java-tiny", 1));
      for (String gate : List.of("java-gate-context", "java-gate-suggestion")) {
        export.trees(gate, versions(gate, 1), "gate.json");
      }
      return RealTriton.start(
          repository,
          "java-reward",
          "java-cost",
          "java-tiny",
          "narrow",
          "java-gate-context",
          "java-gate-suggestion");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Version> versions(String name, long... numbers) {
    return Arrays.stream(numbers)
        .mapToObj(
            number -> new Version(number, MODELS.resolve(name).resolve(Long.toString(number))))
        .toList();
  }
}
