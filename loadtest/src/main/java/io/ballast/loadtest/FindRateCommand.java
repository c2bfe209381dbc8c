package io.ballast.loadtest;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.openloop.Durations;
import io.ballast.loadtest.report.CallStats;
import io.ballast.loadtest.report.LoadReport;
import io.ballast.loadtest.run.Launch;
import io.ballast.loadtest.run.LoadRun;
import io.ballast.loadtest.run.MeshPlace;
import io.ballast.loadtest.run.RateSearch;
import io.ballast.loadtest.run.RateSearch.Found;
import io.ballast.loadtest.run.RateSearch.Trial;
import io.ballast.loadtest.run.RefusedLoadException;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Phase;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds the highest rate at which a scenario's SLOs hold, and what becomes of the mesh beyond. */
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Finds the highest rate at which a scenario's SLOs hold: doubles, bisects, and confirms.",
      "Then it climbs to saturation, and tries twice that. Of the scenario it takes all but phases."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:a rate was found",
      "1:no rate held twice, or --overload-goodput was missed or could not be measured",
      "2:an option or the scenario is wrong; its key is named",
      "3:nothing answers at --target",
      "5:the generator did not keep up at --from"
    })
final class FindRateCommand implements Callable<Integer> {
  private static final double MOST_RATE = 50_000;

  @Parameters(index = "0", paramLabel = "FILE", description = "The scenario, YAML, with SLOs.")
  private Path file = Path.of("");

  @Mixin private TargetOptions targets = new TargetOptions();

  @Mixin private ProcessOptions processes = new ProcessOptions();

  @Option(
      names = "--from",
      defaultValue = "1",
      description = "Calls a second to begin with (default: ${DEFAULT-VALUE}).")
  private double from;

  @Option(
      names = "--to",
      defaultValue = "10000",
      description =
          "Calls a second that are tried at the most, overload too (default: ${DEFAULT-VALUE}).")
  private double to;

  @Option(
      names = "--trial",
      defaultValue = "20s",
      converter = DurationOption.class,
      description =
          "How long a rate is measured; twice as long to confirm it (default: ${DEFAULT-VALUE}).")
  private Duration trial = Duration.ZERO;

  @Option(
      names = "--settle",
      defaultValue = "5s",
      converter = DurationOption.class,
      description = "Sent at that rate before, not measured (default: ${DEFAULT-VALUE}).")
  private Duration settle = Duration.ZERO;

  @Option(
      names = "--precision",
      defaultValue = "10",
      paramLabel = "PERCENT",
      description = "How close the rate is found, 1 to 100 (default: ${DEFAULT-VALUE}).")
  private double precisionPercent;

  @Option(names = "--no-overload", description = "Leave saturation and overload out.")
  private boolean noOverload;

  @Option(
      names = "--overload-goodput",
      paramLabel = "SHARE",
      description =
          "Exit 1 if good answers at twice the saturation are fewer than this share of those at"
              + " it.")
  private @Nullable Double overloadGoodput;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the result here; - prints it.")
  private @Nullable Path json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write a page with plots here; it needs no network.")
  private @Nullable Path html;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Map<String, String> environment;
  private int trials;

  /** Calls a second: the least that the generator managed before a trial. */
  private double ceiling = Double.POSITIVE_INFINITY;

  FindRateCommand(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    LoadScenario scenario;
    Credentials credentials;
    MeshPlace place;
    Launch launch;
    try {
      scenario = ScenarioReader.read(file, LoadTexts.PROMPTS);
      credentials = Credentials.of(environment);
      if (scenario.slos().isEmpty()) {
        throw new IllegalArgumentException("slos: absent (expected: what must hold)");
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    try {
      place = targets.place(credentials);
      launch = processes.launch(file);
      requireOptions();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
    RateSearch search =
        new RateSearch(
            from,
            to,
            precisionPercent / 100,
            (rate, longer) -> load(scenario, new LoadRun(named(place), launch), rate, longer));
    try {
      return report(scenario, search.find(!noOverload));
    } catch (RefusedLoadException e) {
      spec.commandLine().getErr().println(e.getMessage());
      return e.unreachable() ? LoadExit.UNREACHABLE : LoadExit.FAIL;
    }
  }

  private void requireOptions() {
    require(from > 0 && from <= MOST_RATE, "from", from, "above 0, at most 50,000");
    require(to >= from && to <= MOST_RATE, "to", to, "--from to 50,000");
    require(
        precisionPercent >= 1 && precisionPercent <= 100,
        "precision",
        precisionPercent,
        "1 to 100");
    require(
        trial.compareTo(Duration.ofMillis(100)) >= 0 && trial.compareTo(Duration.ofHours(1)) <= 0,
        "trial",
        Durations.format(trial),
        "100ms to 60m");
    require(
        !settle.isNegative() && settle.compareTo(Duration.ofMinutes(10)) <= 0,
        "settle",
        Durations.format(settle),
        "0s to 10m");
    require(
        overloadGoodput == null || !noOverload,
        "overload-goodput",
        "given",
        "without --no-overload");
    require(
        overloadGoodput == null || (overloadGoodput >= 0 && overloadGoodput <= 1),
        "overload-goodput",
        String.valueOf(overloadGoodput),
        "0 to 1");
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (allowed: %s)".formatted(name, value, allowed));
    }
  }

  /** The mesh, called by a load of a name of its own. */
  private MeshPlace named(MeshPlace place) {
    trials++;
    return place.named("t" + trials);
  }

  private Trial load(LoadScenario scenario, LoadRun run, double rate, boolean longer)
      throws InterruptedException {
    Duration length = longer ? trial.multipliedBy(2) : trial;
    Phase hold = new Phase("hold", Phase.Shape.HOLD, rate, rate, length, true);
    List<Phase> phases =
        settle.isZero()
            ? List.of(hold)
            : List.of(new Phase("settle", Phase.Shape.HOLD, rate, rate, settle, false), hold);
    LoadReport load = run.run(scenario.with(phases));
    ceiling = Math.min(ceiling, load.generator().ceilingPerSecond());
    CallStats all = load.figures().total();
    Trial shown =
        new Trial(
            rate,
            load.verdict() != LoadReport.Verdict.INVALID,
            load.verdict() == LoadReport.Verdict.PASS,
            load.goodPerSecond(),
            all.latency(99) * 1_000,
            all.planned() == 0 ? 1 : 1 - (double) all.count(Fate.DROPPED) / all.planned(),
            load.reasons());
    PrintWriter err = spec.commandLine().getErr();
    String measured =
        shown.valid()
            ? String.format(
                Locale.ROOT, "%.1f good answers/s, p99 %.1f ms", shown.goodput(), shown.p99Millis())
            : "";
    err.println(
        String.format(
            Locale.ROOT,
            "  %8.1f calls/s: %s",
            rate,
            Stream.concat(
                    Stream.of(load.verdict().name(), measured), shown.reasons().stream().limit(1))
                .filter(words -> !words.isEmpty())
                .collect(Collectors.joining("; "))));
    err.flush();
    return shown;
  }

  private int report(LoadScenario scenario, Found found) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    FoundRate text = new FoundRate(scenario.name(), found, ceiling);
    Path machine = json;
    if (machine != null && machine.toString().equals("-")) {
      out.println(text.json().toPrettyString());
    } else {
      text.lines().forEach(out::println);
      if (machine != null) {
        Files.writeString(machine, text.json().toPrettyString() + "\n");
      }
    }
    if (html != null) {
      Files.writeString(html, text.html(), StandardCharsets.UTF_8);
    }
    out.flush();
    if (!found.trials().getFirst().valid()) {
      return LoadExit.INVALID;
    }
    Double least = overloadGoodput;
    boolean missed = least != null && found.overloadShare().orElse(0.0) < least;
    return found.highest().isEmpty() || missed ? LoadExit.FAIL : LoadExit.PASS;
  }
}
