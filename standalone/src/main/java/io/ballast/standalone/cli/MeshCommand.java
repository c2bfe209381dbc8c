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
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
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
  /** What has to know all the others. */
  private static final String COMPLETION = "completion";

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
    CommandLine line =
        commandLine(
            ofThisProcess(),
            new PrintWriter(System.out, true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8),
            args);
    System.exit(line.execute(args));
  }

  static CommandContext ofThisProcess() {
    return new CommandContext(
        Path.of(System.getProperty("ballast.home", "")).toAbsolutePath(),
        System.getenv(),
        System::nanoTime,
        () -> UUID.randomUUID().toString(),
        () -> System.console() != null && System.console().isTerminal());
  }

  /**
   * The command that {@code args} begin with, or all of them if they begin with none, printing to
   * {@code out} and their errors to {@code err}. To make all takes longer than most take to run.
   */
  public static CommandLine commandLine(
      CommandContext context, PrintWriter out, PrintWriter err, String... args) {
    Map<String, Supplier<Object>> commands = commands(context);
    Supplier<Object> named = args.length == 0 ? null : commands.get(args[0]);
    CommandLine line = new CommandLine(new MeshCommand());
    if (named == null || args[0].equals(COMPLETION)) {
      commands.forEach((name, command) -> line.addSubcommand(name, command.get()));
    } else {
      line.addSubcommand(args[0], named.get());
    }
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

  private static Map<String, Supplier<Object>> commands(CommandContext context) {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("demo", () -> new DemoCommand(context.home(), context.terminal()));
    commands.put("up", () -> new UpCommand(context));
    commands.put("down", () -> new DownCommand(context));
    commands.put("suggest", () -> new SuggestCommand(context));
    commands.put("score", () -> new ScoreCommand(context));
    commands.put("cost", () -> CostCommand.commandLine(context));
    commands.put("feedback", () -> new FeedbackCommand(context));
    commands.put("run", () -> new RunCommand(context));
    commands.put("runs", () -> RunsCommand.commandLine(context));
    commands.put("algorithms", AlgorithmsCommand::new);
    commands.put("models", () -> ModelsCommand.commandLine(context));
    commands.put("safety", () -> SafetyCommand.commandLine(context));
    commands.put("certificate", () -> CertificatesCommand.commandLine(context));
    commands.put("canary", () -> new CanaryCommand(context));
    commands.put("audit", () -> AuditCommand.commandLine(context));
    commands.put("data", () -> DataCommand.commandLine(context));
    commands.put("spool", () -> SpoolCommand.commandLine(context));
    commands.put("gate", () -> GateCommand.commandLine(context));
    commands.put("pull", () -> new PullCommand(context));
    commands.put("reward", () -> RewardCommand.commandLine(context));
    commands.put("pretrain", () -> PretrainCommand.commandLine(context));
    commands.put(
        "experiment",
        () ->
            new ExperimentCommand(
                context.home(),
                context.environment().getOrDefault("BALLAST_DATASETS", ""),
                context.nanoTime()));
    commands.put("bench", BenchCommand::new);
    commands.put(
        "capacity",
        () -> new CommandLine(new CapacityCommand()).addSubcommand(new MeasureCapacityCommand()));
    commands.put("loadtest", LoadTestCommand::commandLine);
    commands.put("sbom", () -> new SbomCommand(context));
    commands.put("doctor", () -> DoctorCommand.commandLine(context));
    commands.put("profile", () -> new ProfileCommand(context));
    commands.put(COMPLETION, CompletionCommand::new);
    return commands;
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
    return target(innermost(parsed).commandSpec())
        .map(MeshTarget::address)
        .orElse(MeshTarget.DEFAULT);
  }

  /** The target among the mixins of a command, and among theirs. */
  private static Optional<MeshTarget> target(CommandSpec command) {
    return command.userObject() instanceof MeshTarget target
        ? Optional.of(target)
        : command.mixins().values().stream()
            .map(MeshCommand::target)
            .flatMap(Optional::stream)
            .findFirst();
  }

  private static ParseResult innermost(ParseResult parsed) {
    ParseResult result = parsed;
    while (result.subcommand() != null) {
      result = result.subcommand();
    }
    return result;
  }
}
