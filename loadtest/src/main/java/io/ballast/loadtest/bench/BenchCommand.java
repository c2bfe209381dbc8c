package io.ballast.loadtest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures the mesh and judges each figure by its goal. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures figures beside their baselines, in turns and in one run, and judges them.",
      "first: decode and training beside bare libtorch calls; Score beside a bare thread pool;"
          + " what a withheld suggestion costs; cold start; memory. Some seven minutes; let"
          + " nothing else run meanwhile."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every goal is met",
      "1:a goal is missed, or a figure could not be measured",
      "2:an option is wrong"
    })
public final class BenchCommand implements Callable<Integer> {
  /** Figures that are measured together. */
  enum Part {
    /** Decode and training. */
    ENGINE,
    /** Score. */
    SCORE,
    /** Cold start and memory. */
    MESH,
    /** What a withheld suggestion costs. */
    OVERHEAD;

    BenchProgress.Part progress(int repetitions) {
      return switch (this) {
        case ENGINE ->
            new BenchProgress.Part("engine", EngineBench.steps(WIDTHS, repetitions), 1.5);
        case SCORE -> new BenchProgress.Part("score", ScoreBench.steps(repetitions), 4.1);
        case MESH -> new BenchProgress.Part("mesh", MeshBench.START_STEPS, 8);
        case OVERHEAD ->
            new BenchProgress.Part("overhead", MeshBench.overheadSteps(repetitions), 13);
      };
    }
  }

  private static final List<Integer> WIDTHS = List.of(1, 8, 64);
  private static final int PROMPTS = 64;
  private static final double BUSY_SHARE = 0.4;

  @Parameters(index = "0", paramLabel = "NAME", description = "Which benchmark: first.")
  private String name = "";

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures here too.")
  private @Nullable Path json;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "PART",
      description = "Only these parts, of ${COMPLETION-CANDIDATES} (default: all).")
  private Set<Part> only = EnumSet.noneOf(Part.class);

  @Option(
      names = "--repetitions",
      defaultValue = "15",
      description = "Of each pair, 1 to 99; the median counts (default: ${DEFAULT-VALUE}).")
  private int repetitions;

  @Option(
      names = "--models",
      paramLabel = "FOLDER",
      description = "Where the models are (default: models in the checkout).")
  private @Nullable Path models;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (!name.equals("first")) {
      throw usage("NAME: '" + name + "' (expected: first)");
    }
    if (repetitions < 1 || repetitions > 99) {
      throw usage("--repetitions: " + repetitions + " (allowed: 1 to 99)");
    }
    Path home = Path.of(System.getProperty("ballast.home", ".")).toAbsolutePath().normalize();
    Path folder = models == null ? home.resolve("models") : models.toAbsolutePath();
    Set<Part> parts = only.isEmpty() ? EnumSet.allOf(Part.class) : only;
    require(folder.resolve("java-tiny/1"), "--models");
    if (parts.contains(Part.MESH) || parts.contains(Part.OVERHEAD)) {
      require(home.resolve("mesh"), "ballast.home");
    }
    PrintWriter out = spec.commandLine().getOut();
    warnIfBusy(spec.commandLine().getErr());
    List<Figure> figures = measure(parts, home, folder, spec.commandLine().getErr());
    out.print(FigureReport.table(figures));
    out.flush();
    if (json != null) {
      Files.writeString(json, FigureReport.json(figures));
    }
    return figures.stream().allMatch(Figure::holds) ? 0 : 1;
  }

  /** Nothing here is comparable with what a busy machine shows, ratios included. */
  private static void warnIfBusy(PrintWriter err) {
    OperatingSystemMXBean machine = ManagementFactory.getOperatingSystemMXBean();
    double load = machine.getSystemLoadAverage(); // negative where there is none
    if (load > BUSY_SHARE * machine.getAvailableProcessors()) {
      err.printf(
          Locale.ROOT,
          "mesh: something else runs here (load %.1f on %d cores); wait for it, or distrust these"
              + " figures%n",
          load,
          machine.getAvailableProcessors());
      err.flush();
    }
  }

  private List<Figure> measure(Set<Part> parts, Path home, Path folder, PrintWriter err)
      throws IOException {
    EnumSet<Part> inOrder = EnumSet.copyOf(parts);
    BenchProgress progress =
        new BenchProgress(
            err,
            System.console() != null && System.console().isTerminal(),
            System::nanoTime,
            inOrder.stream().map(part -> part.progress(repetitions)).toList());
    Path work = Files.createTempDirectory("ballast-bench");
    try {
      List<Figure> figures = new ArrayList<>();
      for (Part part : inOrder) {
        Runnable step = progress.begin(part.progress(repetitions));
        MeshBench mesh = new MeshBench(home.resolve("mesh"), folder, work, repetitions, step);
        figures.addAll(
            switch (part) {
              case ENGINE ->
                  new EngineBench(
                          folder.resolve("java-tiny/1"), work, repetitions, System::nanoTime, step)
                      .run(WIDTHS, PROMPTS);
              case SCORE -> List.of(new ScoreBench(folder, work, repetitions, step).run());
              case MESH -> mesh.startAndMemory();
              case OVERHEAD -> mesh.overhead();
            });
      }
      return figures;
    } finally {
      delete(work);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  private void require(Path path, String option) {
    if (!Files.exists(path)) {
      throw usage(option + ": " + path + " is not there");
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
