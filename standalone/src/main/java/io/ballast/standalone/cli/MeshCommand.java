package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.build.CodeVersion;
import io.ballast.loadtest.LoadTestCommand;
import io.ballast.loadtest.bench.BenchCommand;
import io.ballast.loadtest.bench.MeasureCapacityCommand;
import io.ballast.loadtest.capacity.CapacityCommand;
import io.ballast.standalone.demo.DemoCommand;
import io.ballast.standalone.experiment.ExperimentCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * The command line behind {@code ./mesh}. The script finds a JDK, builds, runs {@code test}, {@code
 * check} and {@code fmt} itself and hands everything else to this class.
 */
@Command(
    name = "mesh",
    mixinStandardHelpOptions = true,
    versionProvider = MeshCommand.Code.class,
    description = "Serves a language model and improves it from human feedback.",
    footer = {
      "",
      "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 no mesh reached,",
      "4 refused (blocked, No Solution Found, held, a precondition does not hold)."
    })
public final class MeshCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** What {@code --version} says. */
  static final class Code implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {CodeVersion.built().toString()};
    }
  }

  /** Runs a command and exits with its code. */
  public static void main(String[] args) {
    // no Quarkus sets levels here: without one, each frame of each call is put into words
    Logger.getLogger("").setLevel(Level.WARNING);
    String home = System.getProperty("ballast.home", "");
    CommandContext context =
        new CommandContext(
            Path.of(home).toAbsolutePath(),
            System.getenv(),
            System::nanoTime,
            () -> UUID.randomUUID().toString(),
            System.console() != null && System.console().isTerminal());
    CommandLine line =
        commandLine(
            context,
            new PrintWriter(System.out, true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    System.exit(line.execute(args));
  }

  /** The commands, printing to {@code out} and their errors to {@code err}. */
  public static CommandLine commandLine(CommandContext context, PrintWriter out, PrintWriter err) {
    CommandLine line =
        new CommandLine(new MeshCommand())
            .addSubcommand(new DemoCommand(context.home(), context.terminal()))
            .addSubcommand(new UpCommand(context))
            .addSubcommand(new DownCommand(context))
            .addSubcommand(new SuggestCommand(context))
            .addSubcommand(new ScoreCommand(context))
            .addSubcommand(CostCommand.commandLine(context))
            .addSubcommand(new FeedbackCommand(context))
            .addSubcommand(new RunCommand(context))
            .addSubcommand(RunsCommand.commandLine(context))
            .addSubcommand(new AlgorithmsCommand())
            .addSubcommand(ModelsCommand.commandLine(context))
            .addSubcommand(SafetyCommand.commandLine(context))
            .addSubcommand(CertificatesCommand.commandLine(context))
            .addSubcommand(new CanaryCommand(context))
            .addSubcommand(AuditCommand.commandLine(context))
            .addSubcommand(DataCommand.commandLine(context))
            .addSubcommand(GateCommand.commandLine(context))
            .addSubcommand(new PullCommand(context))
            .addSubcommand(RewardCommand.commandLine(context))
            .addSubcommand(PretrainCommand.commandLine(context))
            .addSubcommand(
                new ExperimentCommand(
                    context.home(),
                    context.environment().getOrDefault("BALLAST_DATASETS", ""),
                    context.nanoTime()))
            .addSubcommand(new BenchCommand())
            .addSubcommand(
                new CommandLine(new CapacityCommand()).addSubcommand(new MeasureCapacityCommand()))
            .addSubcommand(LoadTestCommand.commandLine())
            .addSubcommand(new SbomCommand(context))
            .addSubcommand(DoctorCommand.commandLine(context))
            .addSubcommand(new ProfileCommand(context))
            .addSubcommand(new CompletionCommand());
    line.setOut(out);
    line.setErr(err);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpLongOptionsMaxWidth(28);
    line.setExitCodeExceptionMapper(
        thrown -> Failures.of(thrown, MeshTarget.DEFAULT).exit().code());
    line.setExecutionExceptionHandler(
        (thrown, command, parsed) -> failed(thrown, command, parsed, context.environment()));
    line.setParameterExceptionHandler(MeshCommand::misused);
    return line;
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  private static int failed(
      Exception thrown, CommandLine command, ParseResult parsed, Map<String, String> environment) {
    CommandFailure failure = Failures.of(thrown, target(parsed));
    report(command, parsed, failure.reason(), failure.line());
    if (environment.containsKey("BALLAST_TRACE")) {
      thrown.printStackTrace(command.getErr());
    }
    return failure.exit().code();
  }

  private static int misused(CommandLine.ParameterException thrown, String[] args) {
    CommandLine command = thrown.getCommandLine();
    String message =
        String.valueOf(thrown.getMessage())
            .lines()
            .findFirst()
            .orElse("")
            .replaceFirst("^Error: ", "");
    command
        .getErr()
        .println(
            "mesh: " + message + "; see ./" + command.getCommandSpec().qualifiedName() + " --help");
    return Exit.USAGE.code();
  }

  private static void report(CommandLine command, ParseResult parsed, String reason, String line) {
    command.getErr().println("mesh: " + line);
    if (innermost(parsed).hasMatchedOption("--json")) {
      ObjectNode document = JsonNodeFactory.instance.objectNode();
      document.putObject("error").put("reason", reason).put("message", line);
      command.getOut().println(Printing.text(document));
    }
  }

  private static String target(ParseResult parsed) {
    for (Object mixin : innermost(parsed).commandSpec().mixins().values().toArray()) {
      if (mixin instanceof CommandSpec m && m.userObject() instanceof MeshTarget target) {
        return target.address();
      }
    }
    return MeshTarget.DEFAULT;
  }

  private static ParseResult innermost(ParseResult parsed) {
    ParseResult result = parsed;
    while (result.subcommand() != null) {
      result = result.subcommand();
    }
    return result;
  }
}
