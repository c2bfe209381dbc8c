package io.ballast.standalone.cli;

import io.ballast.workshop.make.WorkshopCommands;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Makes the default models again, step by step. */
@Command(
    name = "pretrain",
    mixinStandardHelpOptions = true,
    description = {
      "Makes the default models again, step by step: fetch the sources, train the decoder, collect"
          + " labelled suggestions, train reward, cost and gate models, evaluate.",
      "Paths are relative to the checkout. workshop/README.md has the commands in their order."
    })
final class PretrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its steps. */
  static CommandLine commandLine(CommandContext context) {
    CommandLine pretrain =
        new CommandLine(new PretrainCommand()).addSubcommand(new FetchCorpusCommand(context));
    WorkshopCommands.addTo(pretrain, context.nanoTime());
    return pretrain;
  }

  @Override
  public Integer call() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "pretrain: say which step: " + String.join(", ", spec.subcommands().keySet()));
  }
}
