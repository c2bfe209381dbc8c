package io.ballast.loadtest.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

  private PerfAnalyzer(Path program, String libraries, String address) {
    this.program = program;
    this.libraries = libraries;
    this.address = address;
  }

  /**
   * Finds it.
   *
   * @param installation where {@code ./mesh test --triton} installs Triton
   * @param work a folder that may be written
   * @param address of the server
   * @return empty if it is not installed
   */
  static Optional<PerfAnalyzer> find(Path installation, Path work, String address)
      throws IOException {
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
        Files.createSymbolicLink(links.resolve(name), file.get());
      }
    }
    return Optional.of(new PerfAnalyzer(program, links + ":" + bundled, address));
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
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LD_LIBRARY_PATH", libraries);
    try {
      Process process = builder.start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return throughput(said)
          .orElseThrow(
              () -> new IOException("perf_analyzer told no throughput; it said: " + said.strip()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the requests a second that it tells; empty if it tells none. */
  static Optional<Double> throughput(String said) {
    Matcher found = THROUGHPUT.matcher(said);
    return found.find() ? Optional.of(Double.parseDouble(found.group(1))) : Optional.empty();
  }
}
