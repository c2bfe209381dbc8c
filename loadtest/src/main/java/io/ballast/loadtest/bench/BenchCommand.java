package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelStore;
import io.ballast.loadtest.openloop.Durations;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Measures the mesh and judges each figure by its goal. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures figures beside their baselines, in turns and in one run, and judges them.",
      "first: decode and training beside bare libtorch calls; Score beside a bare thread pool;"
          + " what a withheld suggestion costs; cold start; memory. Some seven minutes.",
      "inference: decode and prefill of two shapes beside bare libtorch calls; callers that share"
          + " steps beside one at a time; a stream of unlike requests; memory over 1,000"
          + " generations and after unloading; Hugging Face transformers and llama.cpp on the same"
          + " cores, if they are"
          + " installed; the client of Triton beside a bare stub and tritonclient, if ./mesh test"
          + " --triton has installed them. Some fifteen minutes.",
      "reward: a reward-server in a process of its own, under load: beside its bare engine, five"
          + " members beside one, a person among trainers, CPU an item by callers, memory over a"
          + " flood; MLServer, FastAPI and LitServe with the same classifier on the same cores, if"
          + " they are installed. Some twelve minutes and the flood.",
      "gate: both stages of the display gate on one thread, features included; a safety test of"
          + " 1,000 prompts beside sampling and judging them by hand. Some six minutes.",
      "learner: a step of reinforcement learning by phase, its update beside bare libtorch calls,"
          + " the rl library's share of it; TRL's GRPOTrainer on the same cores, if it is"
          + " installed. Some eight minutes.",
      "operations: a mesh at twice what it can do; what it adds to what models take, at 60 %% load;"
          + " what telemetry and TLS cost; calls under swaps of every version; calls to one,"
          + " two and four processes; calls with millions of events on record; memory over a soak. Some"
          + " sixty minutes and the soak.",
      "What is not installed is a figure that could not be measured; --only leaves its part out.",
      "Let nothing else run meanwhile."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every goal is met",
      "1:a goal is missed, or a figure could not be measured",
      "2:an option is wrong"
    })
public final class BenchCommand implements Callable<Integer> {
  private static final double BUSY_SHARE = 0.4;

  @Parameters(
      index = "0",
      paramLabel = "NAME",
      converter = Benchmark.Converter.class,
      description = "Which benchmark: first, inference, reward, gate, learner or operations.")
  private Benchmark benchmark = Benchmark.FIRST;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures here too.")
  private @Nullable Path json;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "PART",
      description =
          "Only these parts: ENGINE, SCORE, MESH, OVERHEAD of first; TINY, SMALL, BATCHING,"
              + " FLATNESS, UNLOADING, PEERS, TRITON of inference; CALLERS, MEMBERS, MIXED, COST,"
              + " SERVERS, FLOOD of reward; STAGES, TEST of gate; UPDATE, PHASES, TRAINER of"
              + " learner; OVERLOAD, ADDED, TELEMETRY, TLS, SWAPS, GROWTH, EVENTS, SOAK of"
              + " operations (default: all).")
  private Set<BenchPart> only = EnumSet.noneOf(BenchPart.class);

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

  @Option(
      names = "--python",
      paramLabel = "PROGRAM",
      defaultValue = "python3",
      description =
          "The Python that has transformers and xllamacpp; for SERVERS transformers, mlserver,"
              + " fastapi, uvicorn and litserve; for TRAINER trl (default: ${DEFAULT-VALUE}).")
  private String python = "";

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description =
          "A Hugging Face folder of some 135 million parameters for PEERS (default: random weights"
              + " of SmolLM2-135M's shape).")
  private @Nullable Path small;

  @Option(
      names = "--gguf",
      paramLabel = "FILE",
      description = "A file for llama.cpp of about the same shape (default: it is left out).")
  private @Nullable Path gguf;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Write memory over generations, the flood or the soak here, as SVG.")
  private @Nullable Path plot;

  @Option(
      names = "--flood",
      paramLabel = "TIME",
      defaultValue = "10m",
      converter = LongTimeConverter.class,
      description = "How long FLOOD lasts, 10s to 24h (default: ${DEFAULT-VALUE}).")
  private Duration flood = Duration.ofMinutes(10);

  @Option(
      names = "--soak",
      paramLabel = "TIME",
      defaultValue = "1h",
      converter = LongTimeConverter.class,
      description = "How long SOAK lasts, 10s to 24h (default: ${DEFAULT-VALUE}).")
  private Duration soak = Duration.ofHours(1);

  @Option(
      names = "--swap-calls",
      paramLabel = "CALLS",
      defaultValue = "100000",
      description = "Calls of SWAPS, 100 to 10,000,000 (default: ${DEFAULT-VALUE}).")
  private long swapCalls;

  @Option(
      names = "--events",
      paramLabel = "ROWS",
      defaultValue = "10000000",
      description =
          "Events on record in EVENTS, 1,000 to 100,000,000; 10,000,000 take some 26 GB of disk"
              + " (default: ${DEFAULT-VALUE}).")
  private long events;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException, InterruptedException, SQLException {
    if (repetitions < 1 || repetitions > 99) {
      throw usage("--repetitions: " + repetitions + " (allowed: 1 to 99)");
    }
    if (swapCalls < 100 || swapCalls > 10_000_000) {
      throw usage("--swap-calls: " + swapCalls + " (allowed: 100 to 10,000,000)");
    }
    if (events < 1_000 || events > 100_000_000) {
      throw usage("--events: " + events + " (allowed: 1,000 to 100,000,000)");
    }
    Path home = Path.of(System.getProperty("ballast.home", ".")).toAbsolutePath().normalize();
    Path folder = models == null ? home.resolve("models") : models.toAbsolutePath();
    Set<BenchPart> parts = parts();
    require(folder.resolve("java-tiny/1"), "--models");
    if (benchmark == Benchmark.REWARD
        || benchmark == Benchmark.OPERATIONS
        || parts.contains(BenchPart.MESH)
        || parts.contains(BenchPart.OVERHEAD)
        || parts.contains(BenchPart.TEST)
        || parts.contains(BenchPart.PHASES)
        || parts.contains(BenchPart.TRAINER)) {
      require(home.resolve("mesh"), "ballast.home");
    }
    if (small != null) {
      require(small.resolve("config.json"), "--model");
    }
    if (gguf != null) {
      require(gguf, "--gguf");
    }
    PrintWriter out = spec.commandLine().getOut();
    warnIfBusy(spec.commandLine().getErr());
    List<Figure> figures = measure(parts, home, folder, spec.commandLine().getErr());
    out.print(FigureReport.table(figures));
    out.flush();
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

  private Set<BenchPart> parts() {
    EnumSet<BenchPart> all = EnumSet.noneOf(BenchPart.class);
    for (BenchPart part : BenchPart.values()) {
      if (part.benchmark() == benchmark) {
        all.add(part);
      }
    }
    if (only.isEmpty()) {
      return all;
    }
    for (BenchPart part : only) {
      if (!all.contains(part)) {
        throw usage("--only: " + part + " (expected: of " + all + ")");
      }
    }
    return EnumSet.copyOf(only);
  }

  private List<Figure> measure(Set<BenchPart> parts, Path home, Path folder, PrintWriter err)
      throws IOException, InterruptedException, SQLException {
    BenchPart.Sizes sizes =
        new BenchPart.Sizes(repetitions, gguf != null, flood, soak, swapCalls, events);
    BenchProgress progress =
        new BenchProgress(
            err,
            System.console() != null && System.console().isTerminal(),
            System::nanoTime,
            parts.stream().map(part -> part.progress(sizes)).toList());
    Path work = Files.createTempDirectory("ballast-bench");
    PartBenches benches =
        new PartBenches(
            home, folder, work, sizes, python, small, gguf, plot, word -> say(err, word));
    try {
      List<Figure> figures = new ArrayList<>();
      for (BenchPart part : parts) {
        Runnable step = progress.begin(part.progress(sizes));
        figures.addAll(benches.measure(part, step));
        if (json != null) { // what was measured is not lost with what is broken off
          Files.writeString(json, FigureReport.json(figures));
        }
      }
      return figures;
    } finally {
      ModelStore.deleteAll(work);
    }
  }

  private static void say(PrintWriter err, String word) {
    err.println("mesh: " + word);
    err.flush();
  }

  private void require(Path path, String option) {
    if (!Files.exists(path)) {
      throw usage(option + ": " + path + " is not there");
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Reads how long a flood or a soak lasts. */
  static final class LongTimeConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      Duration time;
      try {
        time = Durations.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
      if (time.compareTo(Duration.ofSeconds(10)) < 0 || time.compareTo(Duration.ofHours(24)) > 0) {
        throw new TypeConversionException("'" + value + "' (allowed: 10s to 24h)");
      }
      return time;
    }
  }
}
