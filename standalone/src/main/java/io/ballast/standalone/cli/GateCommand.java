package io.ballast.standalone.cli;

import io.ballast.safety.core.gatefit.UnusableLogException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Display gates of a mesh's own feedback. */
@Command(
    name = "gate",
    mixinStandardHelpOptions = true,
    description =
        "Display gates: made of what people did, judged before they serve, watched while they do.")
final class GateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new GateCommand())
        .addSubcommand(new GateTrainCommand(context))
        .addSubcommand(new GateShowCommand(context))
        .addSubcommand(new GateEvaluateCommand(context))
        .addSubcommand(new GateDriftCommand(context))
        .addSubcommand(new GateReplayCommand(context))
        .addSubcommand(new GateTimesCommand(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  /** The failure that says what a log lacks. */
  static CommandFailure unusable(String source, UnusableLogException e) {
    return new CommandFailure(Exit.FAILED, "UNUSABLE_DATA", source + ": " + e.getMessage());
  }
}
