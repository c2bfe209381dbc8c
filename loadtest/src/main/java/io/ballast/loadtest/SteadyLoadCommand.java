package io.ballast.loadtest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.call.MeshChannels;
import io.ballast.loadtest.call.MixTarget;
import io.ballast.loadtest.call.TargetAddress;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.Durations;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.loadtest.report.GeneratorCheck;
import io.ballast.loadtest.run.Ceiling;
import io.ballast.loadtest.scenario.CallKind;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.FeedbackKind;
import io.ballast.loadtest.scenario.Gate;
import io.ballast.loadtest.scenario.GeneratorLimits;
import io.ballast.loadtest.scenario.Lane;
import io.ballast.loadtest.scenario.Mix;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Loads a running mesh with one kind of call at one rate. */
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Sends calls of one kind to a running mesh at a given rate, whether it keeps up or not.",
      "Latency counts from when a call was meant to be sent, so a server that stalls cannot hide"
          + " it. Bounded by --duration and --max-calls; other machines need --allow-remote.",
      "The generator measures itself first; where it does not keep up, nothing is reported."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:the load ran and its limits held",
      "1:more calls than --max-missed were not answered, or --max-p99 was exceeded",
      "2:an option is wrong",
      "3:nothing answers at --target",
      "5:INVALID: the generator did not keep up"
    })
final class SteadyLoadCommand implements Callable<Integer> {
  private static final Duration FIRST_CALL_TIMEOUT = Duration.ofSeconds(30);

  /** How calls are spread over time. */
  enum Pattern {
    /** As those of people who do not know of each other. */
    POISSON,
    /** At equal distances. */
    EVEN
  }

  @Mixin private TargetOptions targets = new TargetOptions();

  @Mixin private GeneratorOptions generator = new GeneratorOptions();

  @Option(
      names = "--rate",
      defaultValue = "10",
      description = "Calls a second, 0.1 to 50,000 (default: ${DEFAULT-VALUE}).")
  private double rate;

  @Option(
      names = "--duration",
      defaultValue = "30s",
      converter = DurationOption.class,
      description = "How long is measured, at most 24h (default: ${DEFAULT-VALUE}).")
  private Duration duration = Duration.ZERO;

  @Option(
      names = "--warm-up",
      defaultValue = "5s",
      converter = DurationOption.class,
      description = "Sent before, not measured, at most 10m (default: ${DEFAULT-VALUE}).")
  private Duration warmUp = Duration.ZERO;

  @Option(
      names = "--arrivals",
      defaultValue = "POISSON",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Pattern arrivals = Pattern.POISSON;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of POISSON arrivals (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--max-in-flight",
      defaultValue = "256",
      description = "Calls under way; one more is dropped and counted (default: ${DEFAULT-VALUE}).")
  private int maxInFlight;

  @Option(
      names = "--max-calls",
      defaultValue = "1000000",
      description = "The load ends after so many calls (default: ${DEFAULT-VALUE}).")
  private long maxCalls;

  @Option(
      names = "--timeout",
      defaultValue = "10s",
      converter = DurationOption.class,
      description = "Deadline of one call (default: ${DEFAULT-VALUE}).")
  private Duration timeout = Duration.ZERO;

  @Option(
      names = "--tenant",
      defaultValue = "loadtest",
      description =
          "On whose behalf; suggestions are recorded under it (default: ${DEFAULT-VALUE}).")
  private String tenant = "";

  @Option(
      names = "--gate",
      defaultValue = "ENFORCE",
      description =
          "suggest: what the display gate may do, ${COMPLETION-CANDIDATES} (default:"
              + " ${DEFAULT-VALUE}).")
  private Gate gate = Gate.ENFORCE;

  @Option(names = "--with-reward", description = "suggest: ask the reward-server too.")
  private boolean withReward;

  @Option(names = "--with-cost", description = "suggest: ask the safety-server for a cost too.")
  private boolean withCost;

  @Option(
      names = "--items",
      defaultValue = "8",
      description = "score: completions of one call, 1 to 4,096 (default: ${DEFAULT-VALUE}).")
  private int items;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "Prompts, one a line, \\n for a line's end; built-in ones if absent.")
  private @Nullable Path prompts;

  @Option(
      names = "--max-missed",
      defaultValue = "1",
      paramLabel = "PERCENT",
      description = "Exit 1 if more were not answered as asked (default: ${DEFAULT-VALUE}).")
  private double maxMissedPercent;

  @Option(
      names = "--max-p99",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description = "Exit 1 if the 99th percentile of latency is longer.")
  private @Nullable Duration maxP99;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the result here; - prints it.")
  private @Nullable Path json;

  @Option(
      names = "--hgrm",
      paramLabel = "FILE",
      description = "Write the latencies here as HdrHistogram's plotter reads them.")
  private @Nullable Path hgrm;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final CallKind kind;
  private final Pacer pacer;
  private final Map<String, String> environment;

  /** A command by the given clock that finds {@code BALLAST_TOKEN} in {@code environment}. */
  SteadyLoadCommand(CallKind kind, Pacer pacer, Map<String, String> environment) {
    this.kind = kind;
    this.pacer = pacer;
    this.environment = Map.copyOf(environment);
  }

  @Override
  public Integer call() throws IOException {
    LoadPlan plan = checked(this::plan);
    TargetAddress policy = checked(targets::policy);
    TargetAddress reward = checked(targets::reward);
    TargetAddress address = kind == CallKind.SCORE ? reward : policy;
    List<String> texts = checked(this::prompts);
    GeneratorLimits limits = checked(generator::limits);
    Credentials credentials = credentials();
    String run = checked(() -> targets.place(credentials)).run();
    try (MeshChannels mesh = new MeshChannels(policy, reward, credentials);
        MixTarget one = target(mesh, texts, FIRST_CALL_TIMEOUT, run + "-first");
        MixTarget all = target(mesh, texts, timeout, run)) {
      Outcome first = firstCall(one);
      if (!first.succeeded()) {
        return refuse(address, first);
      }
      double ceiling =
          Ceiling.perSecond(List.of(step(timeout)), seed, texts, limits.calibration(), pacer);
      GeneratorCheck before = check(limits, ceiling, Double.NaN, 0);
      if (before.flaw().isPresent()) {
        return invalid(address, before);
      }
      LoadResult result = new OpenLoop(pacer).run(plan, arrivals(), all);
      double delay = result.sent() == 0 ? Double.NaN : result.sendDelay().nanosAt(99) / 1e9;
      GeneratorCheck check = check(limits, ceiling, delay, result.unsent());
      return check.flaw().isPresent() ? invalid(address, check) : report(address, check, result);
    }
  }

  /** A load that --max-calls ends is as long as was asked for. */
  private GeneratorCheck check(
      GeneratorLimits limits, double ceiling, double sendDelaySeconds, long unsent) {
    return new GeneratorCheck(
        ceiling,
        rate,
        limits.headroom(),
        sendDelaySeconds,
        limits.sendDelayP99().toNanos() / 1e9,
        unsent,
        false);
  }

  private int invalid(TargetAddress address, GeneratorCheck check) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    String machine =
        ResultJson.text(ResultJson.of(kind, address.toString(), arrivals.name(), check));
    Path file = json;
    if (file != null && file.toString().equals("-")) {
      out.println(machine);
    } else {
      out.println("  " + check.flaw().orElseThrow());
      out.println("INVALID: nothing can be said of the mesh");
      if (file != null) {
        Files.writeString(file, machine + "\n");
      }
    }
    out.flush();
    return LoadExit.INVALID;
  }

  private Credentials credentials() {
    try {
      return Credentials.of(environment);
    } catch (IllegalArgumentException e) {
      throw usage(String.valueOf(e.getMessage()));
    }
  }

  private LoadPlan plan() {
    if (items < 1 || items > 4_096) {
      throw new IllegalArgumentException("items: " + items + " (allowed: 1 to 4,096)");
    }
    if (!(maxMissedPercent >= 0 && maxMissedPercent <= 100)) {
      throw new IllegalArgumentException(
          "max-missed: " + maxMissedPercent + " (allowed: 0 to 100)");
    }
    return new LoadPlan(rate, warmUp, duration, maxInFlight, maxCalls, timeout);
  }

  private List<String> prompts() {
    if (prompts == null) {
      return LoadTexts.PROMPTS;
    }
    List<String> lines;
    try {
      lines =
          Files.readAllLines(prompts).stream()
              .filter(line -> !line.isBlank())
              .map(line -> line.replace("\\n", "\n"))
              .toList();
    } catch (IOException e) {
      throw new IllegalArgumentException("prompts: cannot read " + prompts + ": " + e, e);
    }
    if (lines.isEmpty()) {
      throw new IllegalArgumentException("prompts: " + prompts + " holds none");
    }
    return lines;
  }

  /**
   * @param run of no other load: what one has scored is not answered to another from a cache
   */
  private MixTarget target(
      MeshChannels mesh, List<String> texts, Duration callTimeout, String run) {
    List<CallStep> mix = List.of(step(callTimeout));
    return new MixTarget(mix, new Mix(mix, seed), mesh, texts, run);
  }

  private CallStep step(Duration callTimeout) {
    return new CallStep(
        kind.name(),
        kind,
        1,
        tenant,
        Lane.INTERACTIVE,
        callTimeout,
        gate,
        withReward,
        withCost,
        items,
        Duration.ZERO,
        FeedbackKind.ACCEPTED,
        false,
        0);
  }

  private Arrivals arrivals() {
    return switch (arrivals) {
      case POISSON ->
          Arrivals.poisson(rate, RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
      case EVEN -> Arrivals.evenly(rate);
    };
  }

  /** One call before the load: it connects, and a mesh that refuses is not worth loading. */
  private static Outcome firstCall(Target first) {
    CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    first.call(0, outcome::complete);
    return outcome.join();
  }

  private int refuse(TargetAddress address, Outcome first) {
    PrintWriter err = spec.commandLine().getErr();
    boolean away = first.label().equals("UNAVAILABLE");
    err.println(
        away
            ? "nothing answers at "
                + address
                + "; start a mesh with ./mesh up or name another with"
                + " --target"
            : "the first call failed with " + first.label() + "; no load was sent");
    err.flush();
    return away ? LoadExit.UNREACHABLE : LoadExit.FAIL;
  }

  private int report(TargetAddress address, GeneratorCheck check, LoadResult result)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode machine = ResultJson.of(kind, address.toString(), arrivals.name(), check, result);
    Path file = json;
    if (file != null && file.toString().equals("-")) {
      out.println(ResultJson.text(machine));
    } else {
      String name = kind.name().toLowerCase(Locale.ROOT);
      out.print(
          ResultTable.of(
              name + " on " + address + ", " + arrivals.name().toLowerCase(Locale.ROOT),
              check,
              result));
      if (file != null) {
        Files.writeString(file, ResultJson.text(machine) + "\n");
      }
    }
    if (hgrm != null) {
      try (PrintStream stream = new PrintStream(hgrm.toFile(), StandardCharsets.UTF_8)) {
        result.latency().writeHgrm(stream);
      }
    }
    Optional<String> flaw = flaw(result);
    flaw.ifPresent(out::println);
    out.flush();
    return flaw.isPresent() ? LoadExit.FAIL : LoadExit.PASS;
  }

  private Optional<String> flaw(LoadResult result) {
    double missed = 100 * result.missedShare();
    if (missed > maxMissedPercent) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "%.2f %% of the planned calls were not answered as asked (--max-missed %.2f)",
              missed,
              maxMissedPercent));
    }
    if (maxP99 != null && result.latency().nanosAt(99) > maxP99.toNanos()) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "p99 is %.2f ms (--max-p99 %s)",
              result.latency().nanosAt(99) / 1e6,
              Durations.format(maxP99)));
    }
    return Optional.empty();
  }

  private <T> T checked(Supplier<T> read) {
    try {
      return read.get();
    } catch (IllegalArgumentException e) {
      throw usage("--" + e.getMessage());
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
