package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelStore;
import io.ballast.loadtest.capacity.CapacityFigures;
import io.ballast.loadtest.openloop.Durations;
import io.ballast.loadtest.openloop.SystemPacer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
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
          + " for scores of eight completions, and to record events, each by a caller that rests"
          + " after each call and by 1 to 32 callers at a time, and writes what they cost each server, what memory a further version of the"
          + " policy and one of the reward take, and how many connections of PostgreSQL each server"
          + " holds. Takes some seven minutes by default. Let nothing else run meanwhile."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:measured, and with --check measured and simulated agree",
      "1:something failed; of --check, figures are written before it",
      "2:an option is wrong",
      "8:--check: at a load of 0.6 or less a p50 differs by more than a factor of 1.5 from the"
          + " simulated, or a p99 by more than 2, beyond chance and by more than 1 ms, or more than 0.01 of a"
          + " kind of call were not answered"
    })
public final class MeasureCapacityCommand implements Callable<Integer> {
  /** What was simulated is not what was measured. */
  private static final int DISAGREES = 8;

  /** How much longer a step is in the mean: for what is compiled before, and for longer ones. */
  private static final double OF_A_STEP = 2.4;

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
      description =
          "Of each of the 18 measurements of callers at a time, 1s to 10m; three times as long of the"
              + " caller that rests, and of each load of --check (default: ${DEFAULT-VALUE}).")
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
              + " beside what was measured; some four minutes more.")
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
    int steps = CapacityMeasurement.STEPS + (check ? CapacityCheck.STEPS : 0);
    double seconds = OF_A_STEP * each.toMillis() / 1e3 + 3;
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
    List<CapacityCheck.Row> checked;
    try {
      checked =
          CapacityMeasurement.measure(
              script,
              work,
              each,
              where,
              check,
              new SystemPacer(),
              this::write,
              progress.begin(part));
    } finally {
      ModelStore.deleteAll(work);
    }
    return checked.isEmpty() ? CommandLine.ExitCode.OK : judge(checked);
  }

  private void write(CapacityFigures figures) {
    try {
      Files.writeString(json, figures.json());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf("%s: figures of %s%n", json, figures.machine());
    out.flush();
  }

  /** Shows the check and says what is to be said of it. */
  int judge(List<CapacityCheck.Row> checked) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(CapacityCheck.table(checked));
    List<String> disagreements = CapacityCheck.disagreements(checked);
    disagreements.forEach(out::println);
    out.println(
        String.format(
            Locale.ROOT,
            "up to %.0f %% load, p50 within a factor of %.1f and p99 of %.1f, or %.0f ms, beyond chance: %s",
            100 * CapacityCheck.JUDGED,
            CapacityCheck.P50_WITHIN,
            CapacityCheck.P99_WITHIN,
            CapacityCheck.LEAST_MILLIS,
            disagreements.isEmpty() ? "measured and simulated agree" : "they do NOT agree"));
    out.flush();
    return disagreements.isEmpty() ? CommandLine.ExitCode.OK : DISAGREES;
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
