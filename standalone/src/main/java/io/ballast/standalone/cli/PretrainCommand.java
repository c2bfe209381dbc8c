package io.ballast.standalone.cli;

import io.ballast.workshop.collect.Collect;
import io.ballast.workshop.evaluate.Evaluate;
import io.ballast.workshop.pretrain.Pretrain;
import io.ballast.workshop.scoring.TrainScoring;
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
    return new CommandLine(new PretrainCommand())
        .addSubcommand(new FetchCorpusCommand(context))
        .addSubcommand(new CommandLine(new Pretrain(context.nanoTime())).setCommandName("decoder"))
        .addSubcommand(new Collect(context.nanoTime()))
        .addSubcommand(new TrainScoring())
        .addSubcommand(new Evaluate());
  }

  @Override
  public Integer call() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "pretrain: say which step: " + String.join(", ", spec.subcommands().keySet()));
  }
}
