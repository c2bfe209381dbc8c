package io.ballast.workshop.make;

import io.ballast.workshop.collect.Collect;
import io.ballast.workshop.evaluate.Evaluate;
import io.ballast.workshop.gate.TrainGate;
import io.ballast.workshop.pretrain.Pretrain;
import io.ballast.workshop.scoring.TrainScoring;
import java.util.function.LongSupplier;
import picocli.CommandLine;

/** The workshop's commands as {@code ./mesh pretrain} offers them. */
public final class WorkshopCommands {
  private WorkshopCommands() {}

  /** Runs {@code pretrain} and exits with its code. */
  public static void main(String[] args) {
    System.exit(pretrain(System::nanoTime).execute(args));
  }

  /**
   * Returns {@code pretrain}, which trains the decoder, with a subcommand for each other step and
   * {@code all} for all of them.
   *
   * @param nanos what rates and times left are measured by
   */
  public static CommandLine pretrain(LongSupplier nanos) {
    CommandLine pretrain = new CommandLine(new Pretrain(nanos));
    pretrain.addSubcommand("all", new MakeModels(nanos), "make-models");
    pretrain.addSubcommand("collect", new Collect(nanos));
    pretrain.addSubcommand("train-scoring", new TrainScoring());
    pretrain.addSubcommand("train-gate", new TrainGate());
    pretrain.addSubcommand("evaluate", new Evaluate());
    return pretrain;
  }
}
