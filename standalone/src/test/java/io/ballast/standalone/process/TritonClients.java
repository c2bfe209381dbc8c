package io.ballast.standalone.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Triton's own clients, tritonclient and perf_analyzer, as {@code ./mesh test --triton} installs
 * them.
 */
final class TritonClients {
  private static final long PATIENCE_SECONDS = 180;

  private final Path home;
  private final Path work;

  private TritonClients(Path home, Path work) {
    this.home = home;
    this.work = work;
  }

  /** Returns those installed; fails, never skips, where they are not. */
  static TritonClients installed(Path work) {
    Path home = home();
    if (!Files.exists(home.resolve("installed"))) {
      throw new AssertionError("no Triton in %s: run ./mesh test --triton".formatted(home));
    }
    return new TritonClients(home, work);
  }

  private static Path home() {
    String home = System.getenv("BALLAST_TRITON_HOME");
    if (home != null && !home.isEmpty()) {
      return Path.of(home);
    }
    String caches = System.getenv("XDG_CACHE_HOME");
    return (caches != null && !caches.isEmpty()
            ? Path.of(caches)
            : Path.of(System.getProperty("user.home"), ".cache"))
        .resolve("ballast")
        .resolve("triton");
  }

  /** What a program printed, and how it ended. */
  record Ended(int exitCode, String output) {}

  /** Runs a Python script of {@code src/test/kserve}. */
  Ended python(String script, String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                home.resolve("venv/bin/python").toString(),
                BuiltMesh.home().resolve("standalone/src/test/kserve").resolve(script).toString()));
    command.addAll(List.of(arguments));
    return run(new ProcessBuilder(command));
  }

  /**
   * Runs perf_analyzer over gRPC, with the two libraries beside Triton that it asks for by name.
   */
  Ended perfAnalyzer(String... arguments) throws IOException {
    Path libraries = Files.createDirectories(work.resolve("lib"));
    link(libraries, "libb64.so.0d", "libb64-");
    link(libraries, "libcudart.so.12", "libcudart-");
    List<String> command =
        new ArrayList<>(List.of(home.resolve("venv/bin/perf_analyzer").toString(), "-i", "grpc"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("LD_LIBRARY_PATH", libraries + ":" + bundled());
    return run(builder);
  }

  private Path bundled() {
    return home.resolve("site-packages").resolve("nvidia_pytriton.libs");
  }

  private void link(Path folder, String name, String prefix) throws IOException {
    Path link = folder.resolve(name);
    if (!Files.exists(link)) {
      try (Stream<Path> files = Files.list(bundled())) {
        Path file =
            files
                .filter(each -> each.getFileName().toString().startsWith(prefix))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no %s… in %s".formatted(prefix, bundled())));
        Files.createSymbolicLink(link, file);
      }
    }
  }

  private Ended run(ProcessBuilder builder) {
    Path output = work.resolve("client.out");
    try {
      Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("it does not end; it said:\n" + Files.readString(output));
      }
      return new Ended(process.exitValue(), Files.readString(output));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
