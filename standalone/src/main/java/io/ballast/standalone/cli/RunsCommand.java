package io.ballast.standalone.cli;

import com.google.protobuf.Timestamp;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.ListRunsResponse;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists, shows, watches and steers runs. */
@Command(
    name = "runs",
    mixinStandardHelpOptions = true,
    description =
        "Lists, shows, plots, compares, exports, watches, pauses, resumes, cancels and promotes runs. Without a subcommand: list.",
    footer = {"", "RUN is an id, its beginning, or a name (the newest of that name)."})
final class RunsCommand implements Callable<Integer> {
  private static final int MOST_RUNS = 1_000;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneId.systemDefault());

  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new RunsCommand())
        .addSubcommand(new ListRuns(context))
        .addSubcommand(new ShowRun(context))
        .addSubcommand(new PlotRunCommand(context))
        .addSubcommand(new CompareRunsCommand(context))
        .addSubcommand(new ExportRunCommand(context))
        .addSubcommand(new WatchRun(context))
        .addSubcommand("pause", steering(context, Steering.PAUSE))
        .addSubcommand("resume", steering(context, Steering.RESUME))
        .addSubcommand("cancel", steering(context, Steering.CANCEL))
        .addSubcommand("promote", steering(context, Steering.PROMOTE));
  }

  private static CommandLine steering(CommandContext context, Steering steering) {
    SteerRun command =
        switch (steering) {
          case PAUSE, CANCEL -> new SteerRun(context, steering);
          case RESUME -> new ResumeRunCommand(context);
          case PROMOTE -> new PromoteRun(context);
        };
    CommandLine line = new CommandLine(command);
    line.getCommandSpec().usageMessage().description(steering.description);
    return line;
  }

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec.commandLine().getSubcommands().get("list")).execute();
  }

  /** What may be done to a run. */
  enum Steering {
    PAUSE("Pauses a run after the iteration under way."),
    RESUME("Goes on with a paused run, or a failed one from its last durable iteration."),
    CANCEL("Ends a run without a candidate; what was recorded stays."),
    PROMOTE("Promotes the candidate of a run that was held for a person.");

    private final String description;

    Steering(String description) {
      this.description = description;
    }
  }

  static RunServiceBlockingStub stub(MeshTarget.Connection mesh) {
    return RunServiceGrpc.newBlockingStub(mesh.channel())
        .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS);
  }

  static MeshTarget.Connection connect(MeshTarget target) {
    return target.connect(Role.ORCHESTRATOR, RunServiceGrpc.SERVICE_NAME);
  }

  /** The id of the run that {@code given} names. */
  static String resolve(RunServiceBlockingStub stub, RequestMetadata metadata, String given) {
    if (given.isBlank()) { // it would be the beginning of every id
      throw new CommandFailure(
          Exit.USAGE,
          "NO_RUN_NAMED",
          "no run was named (expected: an id, its beginning, or a name); ./mesh runs list shows them");
    }
    if (given.length() == 36) {
      return given;
    }
    List<Run> runs =
        stub.listRuns(
                ListRunsRequest.newBuilder().setMetadata(metadata).setPageSize(MOST_RUNS).build())
            .getRunsList();
    List<Run> found = runs.stream().filter(run -> run.getName().equals(given)).limit(1).toList();
    if (found.isEmpty()) {
      found = runs.stream().filter(run -> run.getRunId().startsWith(given)).toList();
    }
    if (found.size() != 1) {
      throw new CommandFailure(
          Exit.FAILED,
          "UNKNOWN_RESOURCE",
          (found.isEmpty()
                  ? "no run " + given
                  : given + " is the beginning of " + found.size() + " runs")
              + "; ./mesh runs list shows them");
    }
    return found.getFirst().getRunId();
  }

  /** A run with its iterations, of which there may be none. */
  static GetRunResponse get(RunServiceBlockingStub stub, RequestMetadata metadata, String id) {
    return stub.getRun(GetRunRequest.newBuilder().setMetadata(metadata).setRunId(id).build());
  }

  /** A run with its iterations, of which there must be one. */
  static GetRunResponse withIterations(
      RunServiceBlockingStub stub, RequestMetadata metadata, String id) {
    GetRunResponse answer = get(stub, metadata, id);
    if (answer.getIterationsCount() == 0) {
      throw new CommandFailure(
          Exit.FAILED, "NO_ITERATIONS", "run " + id + " has done no iteration yet");
    }
    return answer;
  }

  private static String time(Timestamp time) {
    return time.getSeconds() == 0 ? "–" : TIME.format(Instant.ofEpochSecond(time.getSeconds()));
  }

  /** All runs, newest first. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists runs, newest first.")
  static final class ListRuns implements Callable<Integer> {
    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "20",
        description = "At most so many, 1 to 1,000 (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListRuns(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        ListRunsResponse answer =
            stub(mesh)
                .listRuns(
                    ListRunsRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setPageSize(limit)
                        .build());
        printing.document(answer);
        TextTable table =
            TextTable.headed(
                "run",
                "name",
                "state",
                "done",
                "of",
                "reward",
                "cost",
                "KL",
                "tokens/s",
                "created");
        for (Run run : answer.getRunsList()) {
          table.row(
              run.getRunId(),
              run.getName(),
              RunTable.state(run),
              Integer.toString(run.getIterationsDone()),
              Integer.toString(run.getIterationsCount()),
              run.getLatest().hasMeanReward()
                  ? number("%+.3f", run.getLatest().getMeanReward())
                  : "–",
              run.hasLatest() ? number("%.3f", run.getLatest().getMeanCost()) : "–",
              run.getLatest().hasKlNats() ? number("%.4f", run.getLatest().getKlNats()) : "–",
              run.hasLatest() ? RunTable.tokensPerSecond(run.getLatest()) : "–",
              time(run.getCreateTime()));
        }
        if (table.isEmpty()) {
          printing.line("no runs yet; ./mesh run SPEC.yaml starts one");
        } else {
          printing.table(table);
        }
        return Exit.OK.code();
      }
    }

    private static String number(String format, double value) {
      return String.format(Locale.ROOT, format, value);
    }
  }

  /** One run with its iterations. */
  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Shows a run: state, iterations, safety test, what to do next.")
  static final class ShowRun implements Callable<Integer> {
    @Parameters(paramLabel = "RUN", description = "Which run.")
    private String run = "";

    @Option(names = "--spec", description = "Print its spec, as it was given, and nothing else.")
    private boolean onlySpec;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ShowRun(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        String id = resolve(stub(mesh), target.metadata(), run);
        GetRunResponse answer = get(stub(mesh), target.metadata(), id);
        if (onlySpec) {
          printing.line(answer.getRun().getSpec().stripTrailing());
        } else {
          RunTable.print(printing, answer.getIterationsList());
          printing.line("");
          printing.table(RunTable.summary(answer.getRun(), answer.getIterationsList()));
          RunTable.prompts(answer.getPromptSourcesList()).forEach(printing::line);
          RunTable.gold(answer.getWatch()).forEach(printing::line);
        }
        printing.document(answer);
        return Exit.OK.code();
      }
    }
  }

  /** Follows a run. */
  @Command(
      name = "watch",
      mixinStandardHelpOptions = true,
      description = "Follows a run to its end; Ctrl-C leaves it running.",
      footer = {
        "",
        "Exit codes: 0 promoted; 1 failed or cancelled; 4 No Solution Found, held, refused or stopped."
      })
  static final class WatchRun implements Callable<Integer> {
    @Parameters(paramLabel = "RUN", description = "Which run.")
    private String run = "";

    @Option(
        names = "--after",
        paramLabel = "N",
        defaultValue = "0",
        description = "Only iterations after this one (default: all).")
    private int after;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    private final CommandContext context;

    WatchRun(CommandContext context) {
      this.context = context;
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() throws InterruptedException {
      try (MeshTarget.Connection mesh = connect(target)) {
        String id = resolve(stub(mesh), target.metadata(), run);
        GetRunResponse now = get(stub(mesh), target.metadata(), id);
        return new RunWatcher(printing, target, context)
            .watch(mesh, now.getRun(), now.getIterationsList(), after)
            .code();
      }
    }
  }

  /** Pauses, resumes, cancels or promotes. */
  @Command(mixinStandardHelpOptions = true)
  static class SteerRun implements Callable<Integer> {
    @Parameters(paramLabel = "RUN", description = "Which run.")
    private String run = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    private final Steering steering;

    SteerRun(CommandContext context, Steering steering) {
      this.target = new MeshTarget(context);
      this.steering = steering;
    }

    @Override
    public Integer call() throws IOException {
      GroupedPrompts fresh = testPrompts();
      try (MeshTarget.Connection mesh = connect(target)) {
        String id = resolve(stub(mesh), target.metadata(), run);
        Run after = steer(stub(mesh), id, fresh);
        printing.document(after);
        printing.line(after.getName() + " " + after.getRunId() + ": " + RunTable.state(after));
        return Exit.OK.code();
      }
    }

    /** Held-out prompts in place of those that a test has used up. */
    GroupedPrompts testPrompts() throws IOException {
      return GroupedPrompts.alone(List.of());
    }

    /** Whether a person accepts the alarms of the watch over the run's rewards. */
    boolean acceptAlarms() {
      return false;
    }

    private Run steer(RunServiceBlockingStub stub, String id, GroupedPrompts fresh) {
      RequestMetadata metadata = target.keyedMetadata(null);
      return switch (steering) {
        case PAUSE ->
            stub.pauseRun(PauseRunRequest.newBuilder().setMetadata(metadata).setRunId(id).build())
                .getRun();
        case RESUME ->
            stub.resumeRun(
                    ResumeRunRequest.newBuilder()
                        .setMetadata(metadata)
                        .setRunId(id)
                        .addAllTestPrompts(fresh.prompts())
                        .addAllTestGroups(fresh.groups())
                        .build())
                .getRun();
        case CANCEL ->
            stub.cancelRun(CancelRunRequest.newBuilder().setMetadata(metadata).setRunId(id).build())
                .getRun();
        case PROMOTE ->
            stub.promoteCandidate(
                    PromoteCandidateRequest.newBuilder()
                        .setMetadata(metadata)
                        .setRunId(id)
                        .setAcceptAlarms(acceptAlarms())
                        .build())
                .getRun();
      };
    }
  }

  /** Promotes, also in spite of alarms. */
  @Command(mixinStandardHelpOptions = true)
  static final class PromoteRun extends SteerRun {
    @Option(
        names = "--accept-alarms",
        description = "Promote it although it was held for alarms of the watch over its rewards.")
    private boolean acceptAlarms;

    PromoteRun(CommandContext context) {
      super(context, Steering.PROMOTE);
    }

    @Override
    boolean acceptAlarms() {
      return acceptAlarms;
    }
  }
}
