package io.ballast.workshop.make;

import io.ballast.workshop.collect.Collect;
import io.ballast.workshop.evaluate.Evaluate;
import io.ballast.workshop.gate.TrainGate;
import io.ballast.workshop.pretrain.Pretrain;
import io.ballast.workshop.scoring.TrainScoring;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The workshop's commands as {@code ./mesh pretrain} offers them. */
public final class WorkshopCommands {
  private WorkshopCommands() {}

  /** Runs {@code pretrain} and exits with its code. */
  public static void main(String[] args) {
    System.exit(pretrain(System::nanoTime).execute(args));
  }

  /** Returns a {@code pretrain} of nothing but {@link #addTo}'s steps. */
  static CommandLine pretrain(LongSupplier nanos) {
    CommandLine pretrain = new CommandLine(CommandSpec.create().name("pretrain"));
    addTo(pretrain, nanos);
    return pretrain;
  }

  /**
   * Adds every step as a subcommand, and {@code all} for all of them.
   *
   * @param nanos what rates and times left are measured by
   */
  public static void addTo(CommandLine pretrain, LongSupplier nanos) {
    pretrain
        .addSubcommand("all", new MakeModels(nanos))
        .addSubcommand(new CommandLine(new Pretrain(nanos)).setCommandName("decoder"))
        .addSubcommand("collect", new Collect(nanos))
        .addSubcommand("train-scoring", new TrainScoring())
        .addSubcommand("train-gate", new TrainGate())
        .addSubcommand("evaluate", new Evaluate());
  }
}
