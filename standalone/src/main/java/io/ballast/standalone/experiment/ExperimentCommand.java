package io.ballast.standalone.experiment;

import io.ballast.inference.api.ModelException;
import io.ballast.loadtest.chart.SvgFile;
import io.ballast.rl.algorithm.Algorithm;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./mesh experiment}: measures claims of papers again. */
@Command(
    name = "experiment",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures claims of papers again with the mesh's own parts, and says of each whether it holds"
          + " here, with its interval. --list names the experiments.",
      "An experiment that ends has done its work, whatever it found: the exit code is 0."
    },
    footer = {
      "",
      "Example: ./mesh experiment ensembles --json claims.json --plot plots --report page.md"
    })
public final class ExperimentCommand implements Callable<Integer> {
  private static final int FAILED = 1;

  @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "Which.")
  private @Nullable String name;

  @Option(names = "--list", description = "Name the experiments, and what they measure.")
  private boolean list;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "Write the claims as JSON: claim, source, value, low, high, holds; of what could not be"
              + " measured, no numbers, and missing: why.")
  private @Nullable Path json;

  @Option(names = "--plot", paramLabel = "FOLDER", description = "Write the charts there, as SVG.")
  private @Nullable Path plot;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write claims, charts and tables as a page in Markdown.")
  private @Nullable Path report;

  @Option(
      names = "--seeds",
      description =
          "Repetitions, at least 2; intervals are over them (default: 5; of algorithms 3).")
  private @Nullable Integer seeds;

  @Option(
      names = "--iterations",
      description =
          "Of algorithms: about how many a run has, 2 to 1,000; its budget is so many tokens"
              + " (default: 36).")
  private @Nullable Integer iterations;

  @Option(
      names = "--algorithms",
      split = ",",
      paramLabel = "NAME",
      description =
          "Of algorithms: only these; ./mesh algorithms lists them (default: seventeen of them).")
  private Set<Algorithm> algorithms = EnumSet.noneOf(Algorithm.class);

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The folder of real judgements of people, with prefs/ in it (default: $$BALLAST_DATASETS;"
              + " without it that part is left out).")
  private @Nullable Path data;

  @Option(
      names = "--encoder",
      paramLabel = "FOLDER",
      description =
          "A folder of a sentence encoder in ONNX for that part, such as ./mesh pull brings"
              + " (without it that part is left out).")
  private @Nullable Path encoder;

  @Option(
      names = "--work",
      paramLabel = "FOLDER",
      description =
          "For what was drawn, which another run of the same seeds takes up again (default:"
              + " target/experiments in the checkout).")
  private @Nullable Path work;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Path home;
  private final String datasets;
  private final LongSupplier nanos;

  /**
   * The command.
   *
   * @param home the checkout
   * @param datasets the folder of real judgements unless an option says otherwise; empty: none
   * @param nanos a monotonic clock
   */
  public ExperimentCommand(Path home, String datasets, LongSupplier nanos) {
    this.home = home;
    this.datasets = datasets;
    this.nanos = nanos;
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (list) {
      Experiments.all().forEach(known -> out.printf("%-12s %s%n", known.name(), known.summary()));
      out.flush();
      return 0;
    }
    Experiment experiment = chosen();
    requireRange("--seeds", seeds, 2, 100);
    requireRange("--iterations", iterations, 2, 1_000);
    if (!experiment.learns() && (iterations != null || !algorithms.isEmpty())) {
      throw misused("--iterations and --algorithms are not of " + experiment.name());
    }
    try {
      return run(experiment, out);
    } catch (IOException | ModelException | IllegalStateException e) {
      return fail(String.valueOf(e.getMessage()));
    } catch (StatusRuntimeException e) {
      return fail("the mesh of the experiment: " + e.getStatus());
    }
  }

  private void requireRange(String option, @Nullable Integer value, int least, int most) {
    if (value != null && (value < least || value > most)) {
      throw misused("%s: %d (expected: %d to %,d)".formatted(option, value, least, most));
    }
  }

  private Experiment chosen() {
    if (name == null) {
      throw misused("experiment: say which; --list names them");
    }
    return Experiments.named(name)
        .orElseThrow(
            () ->
                misused(
                    "experiment: no %s (there are: %s)"
                        .formatted(
                            name,
                            String.join(
                                ", ", Experiments.all().stream().map(Experiment::name).toList()))));
  }

  private int run(Experiment experiment, PrintWriter out) throws IOException {
    for (Path file : new Path[] {json, report}) {
      Path parent = file == null ? null : file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
    }
    if (plot != null) {
      Files.createDirectories(plot);
    }
    Path folder =
        (work == null ? home.resolve("target").resolve("experiments") : work)
            .resolve(experiment.name())
            .toAbsolutePath();
    Files.createDirectories(folder);
    long start = nanos.getAsLong();
    ExperimentReport found =
        experiment.run(
            new ExperimentSetting(
                home,
                folder,
                folderOf(data, datasets),
                Optional.ofNullable(encoder),
                seeds == null ? experiment.seeds() : seeds,
                iterations == null ? OptionalInt.empty() : OptionalInt.of(iterations),
                List.copyOf(algorithms),
                new ExperimentProgress(out, nanos)));
    if (json != null) {
      ClaimsJson.write(found.claims(), json);
    }
    if (plot != null) {
      for (ExperimentReport.Chart chart : found.charts()) {
        SvgFile.write(chart.svg(), plot.resolve(chart.file()));
      }
    }
    if (report != null) {
      ReportPage.write(found, pictures(report, plot), report);
    }
    show(found, out);
    out.printf(Locale.ROOT, "%n%,.0f seconds%s%n", (nanos.getAsLong() - start) / 1e9, cpuSeconds());
    out.flush();
    return 0;
  }

  /** Where the charts lie, seen from the page; empty: beside it. */
  private static String pictures(Path page, @Nullable Path charts) {
    Path from = page.toAbsolutePath().normalize().getParent();
    return charts == null || from == null
        ? ""
        : from.relativize(charts.toAbsolutePath().normalize()).toString().replace('\\', '/');
  }

  private static Optional<Path> folderOf(@Nullable Path given, String otherwise) {
    if (given != null) {
      return Optional.of(given);
    }
    return otherwise.isEmpty() ? Optional.empty() : Optional.of(Path.of(otherwise));
  }

  private static void show(ExperimentReport found, PrintWriter out) {
    out.println();
    for (Claim claim : found.claims()) {
      String numbers =
          claim.measured()
              ? String.format(
                  Locale.ROOT, "%+9.3f [%+.3f, %+.3f]", claim.value(), claim.low(), claim.high())
              : "(" + claim.missing() + ")";
      out.printf(
          "%-12s %s  %s (%s)%n", claim.verdict().words(), numbers, claim.claim(), claim.source());
    }
  }

  /** The processor time of this process, where the system tells it. */
  private static String cpuSeconds() {
    return ProcessHandle.current()
        .info()
        .totalCpuDuration()
        .map(time -> String.format(Locale.ROOT, "; %,d of CPU in this process", time.toSeconds()))
        .orElse("");
  }

  private ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private int fail(String message) {
    spec.commandLine().getErr().println("mesh: " + message);
    return FAILED;
  }
}
