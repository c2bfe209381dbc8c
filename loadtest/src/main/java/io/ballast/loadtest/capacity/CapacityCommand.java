package io.ballast.loadtest.capacity;

import io.ballast.loadtest.DurationOption;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Says what a mesh needs for a load, from figures that were measured. */
@Command(
    name = "capacity",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Says how many replicas a load needs, by a simulation of their queues that is made of what a"
          + " suggestion, a score and an event were measured to cost. --replicas says instead what"
          + " given numbers of replicas bear. Needs no mesh.",
      "docs/operations/scale.md says what is in the model and what is not."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:said",
      "1:no number of replicas is enough",
      "2:an option or the figures are wrong"
    })
public final class CapacityCommand implements Callable<Integer> {
  private static final double SECONDS_OF_DAY = 86_400;

  @Option(
      names = "--figures",
      paramLabel = "FILE",
      description = "What was measured, as ./mesh capacity measure writes it; needed.")
  private @Nullable Path figures; // a subcommand needs none

  @Option(
      names = "--suggestions",
      defaultValue = "0",
      paramLabel = "RATE",
      description = "Suggestions a second at the peak, with reward and cost (default: 0).")
  private double suggestions;

  @Option(
      names = "--scores",
      defaultValue = "0",
      paramLabel = "RATE",
      description =
          "Calls of Score a second at the peak, of as many items as were measured (default: 0).")
  private double scores;

  @Option(
      names = "--events",
      defaultValue = "0",
      paramLabel = "N",
      description = "Feedback events a day (default: 0).")
  private double events;

  @Option(
      names = "--peak",
      defaultValue = "3",
      description = "How many times the day's mean events come at the peak, ≥ 1 (default: 3).")
  private double peak;

  @Option(
      names = "--suggestion-p99",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description = "The longest that 99 of 100 suggestions may take.")
  private @Nullable Duration suggestionP99;

  @Option(
      names = "--score-p99",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description = "The same of a call of Score.")
  private @Nullable Duration scoreP99;

  @Option(
      names = "--event-p99",
      converter = DurationOption.class,
      paramLabel = "DURATION",
      description = "The same of a feedback event.")
  private @Nullable Duration eventP99;

  @Option(
      names = "--cores",
      defaultValue = "2",
      description = "Of a replica (default: 2). Figures are of cores like those measured.")
  private double cores;

  @Option(
      names = "--database-cores",
      defaultValue = "4",
      description = "Of PostgreSQL, of which there is one (default: 4).")
  private double databaseCores;

  @Option(names = "--together", description = "Replicas play all servers, in place of one each.")
  private boolean together;

  @Option(
      names = "--spare",
      defaultValue = "1",
      description = "Replicas of each server that may be away at the peak (default: 1).")
  private int spare;

  @Option(
      names = "--versions",
      defaultValue = "2",
      description = "Versions of the policy that are loaded at a time (default: 2).")
  private int versions;

  @Option(
      names = "--reward-versions",
      defaultValue = "2",
      description =
          "Versions of the reward that are loaded at a time, as in a swap or with a shadow"
              + " (default: 2).")
  private int rewardVersions;

  @Option(
      names = "--replicas",
      split = ",",
      paramLabel = "N",
      description =
          "Say what so many replicas of each server bear of this mix, such as 10,100,1000.")
  private List<Integer> replicas = List.of();

  @Option(
      names = "--balancing",
      defaultValue = "RANDOM",
      description =
          "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, what round robins of many callers"
              + " come to).")
  private Balancing balancing = Balancing.RANDOM;

  @Option(
      names = "--calls",
      defaultValue = "100000",
      description =
          "Calls that each attempt simulates and times, 1,000 or more (default: ${DEFAULT-VALUE}).")
  private long calls;

  @Option(names = "--seed", defaultValue = "1", description = "Of the simulation (default: 1).")
  private long seed;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** A command without subcommands. */
  public CapacityCommand() {}

  @Override
  public Integer call() {
    CapacityFigures measured = checked(this::measured);
    Demand demand = checked(this::demand);
    List<Pool> pools = checked(this::pools);
    CapacityText.Versions loaded =
        checked(() -> new CapacityText.Versions(versions, rewardVersions));
    Planner planner =
        checked(
            () ->
                new Planner(
                    measured,
                    new Simulation(measured, balancing, calls, Simulation.TURN_MILLIS),
                    new Objective(limits()),
                    seed));
    PrintWriter out = spec.commandLine().getOut();
    CapacityText text = new CapacityText(measured, out);
    if (!replicas.isEmpty()) {
      return bearings(planner, demand, pools, text);
    }
    try {
      text.plan(demand, planner.plan(demand, pools), spare, loaded, events);
      return CommandLine.ExitCode.OK;
    } catch (IllegalArgumentException e) {
      spec.commandLine().getErr().println("mesh: capacity: " + e.getMessage());
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  private int bearings(Planner planner, Demand mix, List<Pool> pools, CapacityText text) {
    text.bearingsOf(mix);
    for (int count : replicas) {
      List<Pool> sized =
          checked(() -> pools.stream().map(pool -> pool.grows() ? pool.of(count) : pool).toList());
      Optional<Planner.Bearing> bearing = planner.bears(mix, sized);
      text.bearing(count, sized, bearing);
    }
    return CommandLine.ExitCode.OK;
  }

  private CapacityFigures measured() {
    Path file = figures;
    if (file == null) {
      throw new IllegalArgumentException(
          "figures: absent (expected: a FILE that ./mesh capacity measure --json FILE made)");
    }
    try {
      return CapacityFigures.parse(file.toString(), Files.readString(file));
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalArgumentException(
          "figures: cannot read %s (./mesh capacity measure --json %s makes them)"
              .formatted(file, file),
          e);
    }
  }

  private Demand demand() {
    CapacityFigures.require(peak >= 1 && peak <= 1_000, "peak", peak, "1 to 1,000");
    CapacityFigures.require(spare >= 0 && spare <= 1_000, "spare", spare, "0 to 1,000");
    return new Demand(
        Map.of(
            CallKind.SUGGESTION, suggestions,
            CallKind.SCORE, scores,
            CallKind.EVENT, events / SECONDS_OF_DAY * peak));
  }

  private List<Pool> pools() {
    return together ? Pool.together(cores, databaseCores) : Pool.apart(cores, databaseCores);
  }

  private Map<CallKind, Duration> limits() {
    Map<CallKind, Duration> limits = new EnumMap<>(CallKind.class);
    put(limits, CallKind.SUGGESTION, suggestionP99);
    put(limits, CallKind.SCORE, scoreP99);
    put(limits, CallKind.EVENT, eventP99);
    return limits;
  }

  private static void put(Map<CallKind, Duration> limits, CallKind call, @Nullable Duration limit) {
    if (limit != null) {
      limits.put(call, limit);
    }
  }

  private <T> T checked(Supplier<T> read) {
    try {
      return read.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
