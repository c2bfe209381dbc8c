package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.cost.CostForm;
import io.ballast.training.cost.CostPlan;
import io.ballast.training.cost.CostPublisher;
import io.ballast.training.cost.CostTraining;
import io.ballast.training.data.CostRows;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.JudgementFile;
import io.ballast.training.data.RowLimits;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.TrainingCommand;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains a cost model from judgements of harm and publishes it. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains a cost model from a file of judgements of harm, and publishes it in the data folder."
          + " Its score is the highest of its members; its probability of harm is calibrated on"
          + " labels that trained nothing.",
      "A row is a pair {\"prompt\", \"worse\", \"safer\", \"worse_unsafe\", \"safer_unsafe\"}, or one"
          + " as PKU-SafeRLHF has it, or a label {\"prompt\", \"completion\", \"unsafe\"}. See"
          + " training/README.md."
    },
    footer = {
      "",
      "Examples: ./mesh cost train harm.jsonl.gz --name careful",
      "          ./mesh cost train pairs.jsonl --form recentred --chosen safer --name careful",
      "Then:     ./mesh up --set ballast.safety.cost-model=careful"
    })
final class CostTrainCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "FILE",
      description = "JSON lines of judgements of harm, plain or gzip.")
  private Path file = Path.of("");

  @Option(
      names = "--form",
      defaultValue = "sign-anchored",
      description =
          "sign-anchored: order and labels are learned together, and a score of 0 parts safe from"
              + " unsafe; bradley-terry: the order alone, a score of 0 means nothing, and without"
              + " labels there is no probability of harm; recentred: as bradley-terry, then moved"
              + " so that 0 is where the held-out labels part (default: ${DEFAULT-VALUE}).")
  private CostForm form = CostForm.SIGN_ANCHORED;

  @Option(
      names = "--chosen",
      paramLabel = "WHICH",
      description =
          "What chosen is in rows of chosen and rejected: worse (the more harmful one) or safer."
              + " There is no default.")
  private CostRows.@Nullable Chosen chosen;

  @Mixin private TrainingOptions options = new TrainingOptions();
  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  CostTrainCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    CostPlan plan = CostPlan.of(form, options.plan().plan());
    InputFile.require(file);
    LocalTraining training = new LocalTraining(context, printing, spec);
    List<Path> roots = data.models(context);
    VersionName version = options.version(spec, roots);
    StoredModel decoder = options.decoder(roots);
    return training.run(
        String.valueOf(file.getFileName()),
        version,
        work -> {
          JudgementData judgements =
              JudgementFile.ofCosts(
                      RowLimits.defaults(),
                      options.skipBad(),
                      new CostRows(Optional.ofNullable(chosen), form.needsLabels()))
                  .read(file);
          RewardTraining.Trained trained =
              new CostTraining(plan, work, training.threads(options.threads()), training.listener())
                  .train(judgements, decoder, options.skipBad());
          StoredModel published =
              new CostPublisher(new ModelStore(roots.getFirst()), work)
                  .publish(
                      version, trained, judgements.judgements(), again(version, decoder, plan));
          new TrainedReport(printing)
              .show(TrainedReport.Summary.of(published, trained, new RewardData.Whole(judgements)));
        });
  }

  private String again(VersionName version, StoredModel decoder, CostPlan plan) {
    String source =
        "%s --form %s%s"
            .formatted(
                TrainingCommand.file(String.valueOf(file.getFileName())),
                form.code(),
                chosen == null ? "" : " --chosen " + chosen.name().toLowerCase(Locale.ROOT));
    return TrainingCommand.of(
        "cost",
        source,
        version,
        decoder.name() + "/" + decoder.version(),
        plan.ensemble(),
        options.skipBad());
  }
}
