package io.ballast.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Makes and examines reward ensembles. */
@Command(
    name = "reward",
    mixinStandardHelpOptions = true,
    description = "Makes and examines reward ensembles. ./mesh score asks one.")
final class RewardCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new RewardCommand())
        .addSubcommand(new RewardTrainCommand(context))
        .addSubcommand(TrainingsCommand.commandLine(context))
        .addSubcommand(new RewardAdoptCommand(context))
        .addSubcommand(new ComposeCommand(context))
        .addSubcommand(new BestOfNCommand(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }
}
