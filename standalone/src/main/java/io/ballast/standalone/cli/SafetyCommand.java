package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Safety tests of versions that no run has tested, and those that there were. */
@Command(
    name = "safety",
    mixinStandardHelpOptions = true,
    description =
        "Starts, watches and lists safety tests; a run starts its own. Without a subcommand: list.")
final class SafetyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new SafetyCommand())
        .addSubcommand(new SafetyTestCommand(context))
        .addSubcommand(new Watch(context))
        .addSubcommand(new ListTests(context));
  }

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec.commandLine().getSubcommands().get("list")).execute();
  }

  static MeshTarget.Connection connect(MeshTarget target) {
    return target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME);
  }

  /** Follows one test. */
  @Command(
      name = "watch",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Watches a safety test to its end, and says how it ended.",
      footer = {"", "Exit codes are those of ./mesh safety test."})
  static final class Watch implements Callable<Integer> {
    @Parameters(paramLabel = "TEST", description = "The test's id.")
    private String id = "";

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    private final CommandContext context;

    Watch(CommandContext context) {
      this.context = context;
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() throws InterruptedException {
      try (MeshTarget.Connection mesh = connect(target)) {
        SafetyTest test =
            ModelsCommand.safety(mesh)
                .getSafetyTest(
                    GetSafetyTestRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setTestId(id)
                        .build())
                .getTest();
        return new SafetyTestWatcher(printing, target, context).watch(mesh, test).code();
      }
    }
  }

  /** All tests, newest first. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Lists safety tests, newest first, those of runs among them.")
  static final class ListTests implements Callable<Integer> {
    @Option(
        names = "--run",
        paramLabel = "ID",
        defaultValue = "",
        description = "Only those of this run's candidates.")
    private String run = "";

    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "20",
        description = "At most so many, 1 to 1,000 (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListTests(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      try (MeshTarget.Connection mesh = connect(target)) {
        ListSafetyTestsResponse answer =
            ModelsCommand.safety(mesh)
                .listSafetyTests(
                    ListSafetyTestsRequest.newBuilder()
                        .setMetadata(target.metadata())
                        .setRunId(run)
                        .setPageSize(limit)
                        .build());
        printing.document(answer);
        TextTable table =
            TextTable.headed("test", "candidate", "state", "judged", "of", "begun", "certificate");
        for (SafetyTest test : answer.getTestsList()) {
          table.row(
              test.getTestId(),
              ModelOptions.text(test.getCandidate()),
              SafetyTestWatcher.state(test),
              Integer.toString(test.getJudgedCount()),
              Integer.toString(test.getPromptsCount()),
              ModelsCommand.time(test.getStartTime()),
              test.getCertificateId().isEmpty() ? "–" : test.getCertificateId());
        }
        if (table.isEmpty()) {
          printing.line("none; ./mesh safety test VERSION --prompts FILE … starts one");
        } else {
          printing.table(table);
        }
        return Exit.OK.code();
      }
    }
  }
}
