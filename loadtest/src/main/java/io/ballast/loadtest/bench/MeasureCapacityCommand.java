package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelStore;
import io.ballast.loadtest.openloop.Durations;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures what {@code ./mesh capacity} computes with. */
@Command(
    name = "measure",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts a mesh of four processes on free ports, asks it for suggestions with reward and cost,"
          + " for scores of eight completions, and to record events, each by 1 to 32 callers at a"
          + " time, and writes what they cost each server. Let nothing else run meanwhile."
    })
public final class MeasureCapacityCommand implements Callable<Integer> {
  private static final int KINDS = 3;

  /** How much longer a step is for the calls before it, which go on until all is compiled. */
  private static final double WITH_WARM_UP = 1.5;

  @Option(
      names = "--json",
      required = true,
      paramLabel = "FILE",
      description = "Where the figures go.")
  private Path json = Path.of("");

  @Option(
      names = "--duration",
      defaultValue = "8s",
      paramLabel = "DURATION",
      description = "Of each of the 18 measurements, 1s to 10m (default: ${DEFAULT-VALUE}).")
  private String duration = "";

  @Option(
      names = "--machine",
      defaultValue = "",
      paramLabel = "WORDS",
      description = "What it runs on, for readers (default: its number of cores).")
  private String machine = "";

  @Option(
      names = "--check",
      description =
          "Load the mesh with a mix of the three as well, and show what the simulation says of it"
              + " beside what was measured; some two minutes more.")
  private boolean check;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** A command that takes no part in another. */
  public MeasureCapacityCommand() {}

  @Override
  public Integer call() throws IOException {
    Duration each = duration();
    Path script =
        Path.of(System.getProperty("ballast.home", "."))
            .toAbsolutePath()
            .normalize()
            .resolve("mesh");
    int steps =
        KINDS * CapacityMeasurement.CALLERS.size() + (check ? CapacityCheck.SHARES.size() : 0);
    double seconds = WITH_WARM_UP * each.toMillis() / 1e3 + 3;
    BenchProgress.Part part = new BenchProgress.Part("capacity", steps, seconds);
    BenchProgress progress =
        new BenchProgress(
            spec.commandLine().getErr(),
            System.console() != null && System.console().isTerminal(),
            System::nanoTime,
            List.of(part));
    String where =
        machine.isEmpty() ? Runtime.getRuntime().availableProcessors() + " cores" : machine;
    Path work = Files.createTempDirectory("ballast-capacity");
    CapacityMeasurement.Measured measured;
    try {
      measured =
          CapacityMeasurement.measure(
              script, work, each, where, check, System::nanoTime, progress.begin(part));
    } finally {
      ModelStore.deleteAll(work);
    }
    Files.writeString(json, measured.figures().json());
    PrintWriter out = spec.commandLine().getOut();
    out.printf("%s: figures of %s%n", json, measured.figures().machine());
    if (!measured.checked().isEmpty()) {
      out.print(CapacityCheck.table(measured.checked()));
      out.flush();
    }
    return CommandLine.ExitCode.OK;
  }

  private Duration duration() {
    try {
      Duration read = Durations.parse(duration);
      if (read.compareTo(Duration.ofSeconds(1)) < 0 || read.compareTo(Duration.ofMinutes(10)) > 0) {
        throw new IllegalArgumentException(duration + " (allowed: 1s to 10m)");
      }
      return read;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "duration: " + e.getMessage(), e);
    }
  }
}
