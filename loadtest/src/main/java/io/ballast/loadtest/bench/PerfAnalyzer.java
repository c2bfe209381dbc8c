package io.ballast.loadtest.bench;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Triton's own load generator, in C++. */
final class PerfAnalyzer {
  private static final Pattern THROUGHPUT = Pattern.compile("Throughput: ([0-9.]+) infer/sec");

  /** Libraries that it asks for by names under which Triton's package does not have them. */
  private static final List<String> RENAMED = List.of("libb64.so.0d", "libcudart.so.12");

  private final Path program;
  private final String libraries;
  private final String address;

  private final Path work;
  private final Duration patience;

  private PerfAnalyzer(
      Path program, String libraries, String address, Path work, Duration patience) {
    this.program = program;
    this.libraries = libraries;
    this.address = address;
    this.work = work;
    this.patience = patience;
  }

  /**
   * Finds it.
   *
   * @param installation where {@code ./mesh test --triton} installs Triton
   * @param work a folder that may be written
   * @param address of the server
   * @param patience how long one measurement may take
   * @return empty if it is not installed
   */
  static Optional<PerfAnalyzer> find(
      Path installation, Path work, String address, Duration patience) throws IOException {
    Path program = installation.resolve("venv/bin/perf_analyzer");
    Path bundled = installation.resolve("site-packages/nvidia_pytriton.libs");
    if (!Files.isExecutable(program) || !Files.isDirectory(bundled)) {
      return Optional.empty();
    }
    Path links = Files.createDirectories(work.resolve("perf-analyzer-libraries"));
    for (String name : RENAMED) {
      String begin = name.substring(0, name.indexOf('.')) + "-";
      try (Stream<Path> files = Files.list(bundled)) {
        Optional<Path> file =
            files.filter(each -> each.getFileName().toString().startsWith(begin)).findFirst();
        if (file.isEmpty()) {
          return Optional.empty();
        }
        Files.deleteIfExists(links.resolve(name)); // of an earlier run
        Files.createSymbolicLink(links.resolve(name), file.get());
      }
    }
    return Optional.of(new PerfAnalyzer(program, links + ":" + bundled, address, work, patience));
  }

  /**
   * Makes requests of a model that takes X, always with the same numbers, for some four seconds.
   *
   * @return requests a second, by its own clock in three windows of a second: of a number of
   *     requests it would tell the time in whole seconds
   */
  double requestsPerSecond(String model, int numbers, int inFlight) {
    List<String> command =
        new ArrayList<>(List.of(program.toString(), "-i", "grpc", "-u", address, "-m", model));
    command.addAll(List.of("--shape", "X:" + numbers, "--async"));
    command.addAll(List.of("--concurrency-range", Integer.toString(inFlight)));
    command.addAll(List.of("--measurement-interval", "1000", "--max-trials", "3"));
    command.addAll(List.of("--stability-percentage", "999")); // whatever they show counts
    try {
      String said = run(command);
      return throughput(said)
          .orElseThrow(
              () -> new IOException("perf_analyzer told no throughput; it said: " + said.strip()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs it to its end, and returns what it said; it does not outlive its time. */
  private String run(List<String> command) throws IOException {
    Path said = Files.createTempFile(work, "perf-analyzer", ".txt");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
      builder.environment().put("LD_LIBRARY_PATH", libraries);
      Process process = builder.start();
      try {
        process.getOutputStream().close();
        if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
          throw new IOException(
              "perf_analyzer did not end within "
                  + patience.toMillis()
                  + " ms; it said: "
                  + text(said).strip());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("perf_analyzer was ended");
      } finally {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      return text(said);
    } finally {
      Files.deleteIfExists(said);
    }
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /** Returns the requests a second that it tells; empty if it tells none. */
  static Optional<Double> throughput(String said) {
    Matcher found = THROUGHPUT.matcher(said);
    return found.find() ? Optional.of(Double.parseDouble(found.group(1))) : Optional.empty();
  }
}
