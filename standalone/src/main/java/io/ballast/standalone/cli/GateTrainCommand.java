package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.safety.adapter.XgboostGrower;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.FittedGate;
import io.ballast.safety.core.gatefit.GateFit;
import io.ballast.safety.core.gatefit.GatePlan;
import io.ballast.safety.core.gatefit.GateTable;
import io.ballast.safety.core.gatefit.TreeGrower;
import io.ballast.safety.core.gatefit.UnusableLogException;
import io.ballast.standalone.gate.GateCard;
import io.ballast.standalone.gate.GatePublisher;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains both stages of a display gate and publishes them. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains both stages of a display gate from what people did with suggestions, and publishes"
          + " them in the data folder as NAME-context and NAME-suggestion. Stage 1 sees the place"
          + " and the user's past; stage 2 also the suggestion, its log-probabilities, reward and"
          + " cost. Users who train nothing measure it.",
      "Lines are drawn of which it is proven that enough of what they hide would have been rejected"
          + " (Learn then Test). If there are none, nothing is hidden, and that is said. Of too few"
          + " users nothing can be proven: their lines are measured, and nothing is promised."
    },
    footer = {
      "",
      "Examples: ./mesh gate train --name our-gate",
      "          ./mesh gate train --from decisions.jsonl.gz --name our-gate --target-accuracy 0.9",
      "Then:     ./mesh gate evaluate our-gate",
      "          ./mesh up --set ballast.safety.context-gate=our-gate-context"
          + " --set ballast.safety.suggestion-gate=our-gate-suggestion"
    })
final class GateTrainCommand implements Callable<Integer> {
  /** What stage 2 does with what stage 1 passes. */
  enum Reading {
    /** Stage 2 judges it. */
    SECOND_LOOK,
    /** It is shown. */
    FIRST_DECIDES,
    /** Whichever hides more. */
    EITHER;

    List<Boolean> secondLooks() {
      return switch (this) {
        case SECOND_LOOK -> List.of(true);
        case FIRST_DECIDES -> List.of(false);
        case EITHER -> List.of(true, false);
      };
    }
  }

  /** What is taken as independent. */
  enum Independent {
    /** The decisions of one are alike. */
    USERS(GateGuarantee.Unit.GROUP),
    /** Whoever asks knows it. */
    DECISIONS(GateGuarantee.Unit.DECISION);

    private final GateGuarantee.Unit unit;

    Independent(GateGuarantee.Unit unit) {
      this.unit = unit;
    }
  }

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME[/VERSION]",
      description = "What the gate is called; without a version: the next number.")
  private String name = "";

  @Mixin private DecisionOptions decisions;

  @Option(
      names = "--target-accuracy",
      defaultValue = "0.95",
      paramLabel = "SHARE",
      description =
          "Of what is hidden, at least this share would have been rejected (default:"
              + " ${DEFAULT-VALUE}).")
  private double targetAccuracy;

  @Option(
      names = "--alpha",
      defaultValue = "0.1",
      paramLabel = "P",
      description = "With what probability that may fail (default: ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--independent",
      defaultValue = "users",
      description =
          "What the proof takes as independent: users (the promise is of the average user), or"
              + " decisions (of all that is hidden; only where you know that they are, such as one"
              + " decision of each user); default: ${DEFAULT-VALUE}.")
  private Independent independent = Independent.USERS;

  @Option(
      names = "--reading",
      defaultValue = "second_look",
      description =
          "What becomes of what stage 1 is sure to be accepted: stage 2 judges it too"
              + " (second_look), it is shown (first_decides), or whichever hides more (either);"
              + " default: ${DEFAULT-VALUE}.")
  private Reading reading = Reading.SECOND_LOOK;

  @Option(
      names = "--aim",
      defaultValue = "most_hidden",
      description =
          "Of the lines that keep to it, those that hide most (most_hidden) or spare most"
              + " generations (most_not_generated); default: ${DEFAULT-VALUE}.")
  private LearnThenTest.Aim aim = LearnThenTest.Aim.MOST_HIDDEN;

  @Option(
      names = "--calibration",
      defaultValue = "platt",
      description =
          "How a score becomes a probability: platt (few decisions) or isotonic (thousands);"
              + " default: ${DEFAULT-VALUE}.")
  private GatePlan.Calibration calibration = GatePlan.Calibration.PLATT;

  @Option(
      names = "--exploration",
      defaultValue = "0.02",
      paramLabel = "SHARE",
      description =
          "Share of what would be hidden that is shown, so that the gate can go on learning"
              + " (default: ${DEFAULT-VALUE}).")
  private double exploration;

  @Option(
      names = "--rounds",
      defaultValue = "400",
      paramLabel = "N",
      description = "The most trees of a stage (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--depth",
      defaultValue = "4",
      paramLabel = "N",
      description = "Depth of a tree, 1 to 12 (default: ${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "N",
      description = "Seed of split and trees (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  GateTrainCommand(CommandContext context) {
    this.context = context;
    this.decisions = new DecisionOptions(context);
  }

  @Override
  public Integer call() throws IOException {
    GatePlan plan = plan();
    List<Path> roots = data.models(context);
    VersionName version = version(roots);
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try {
      GateTable table =
          GateTable.of(
              decisions.read(),
              FeatureSet.TEXT_AND_HISTORY,
              share -> progress.at("reading decisions", share));
      progress.end();
      FittedGate gate = new GateFit(plan, new XgboostGrower(), printing::line).fit(table);
      List<StoredModel> published =
          new GatePublisher(new ModelStore(roots.getFirst()))
              .publish(
                  version.model(),
                  version.version(),
                  gate,
                  plan,
                  decisions.source(),
                  again(version));
      show(gate, plan, published);
      return Exit.OK.code();
    } catch (UnusableLogException e) {
      progress.end();
      throw GateCommand.unusable(decisions.source(), e);
    } catch (FileAlreadyExistsException e) {
      throw NewVersion.exists(version);
    }
  }

  private GatePlan plan() {
    try {
      return new GatePlan(
          targetAccuracy,
          alpha,
          independent.unit,
          reading.secondLooks(),
          aim,
          calibration,
          exploration,
          new TreeGrower.Options(rounds, depth, 0.05, 4, seed),
          seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /** One version for both stages: that of stage 1 says which is next. */
  private VersionName version(List<Path> roots) {
    int slash = name.indexOf('/');
    String base = slash < 0 ? name : name.substring(0, slash);
    String rest = slash < 0 ? "" : name.substring(slash);
    for (GateStage stage : GateStage.values()) {
      VersionName found = NewVersion.of(spec, roots, GatePublisher.model(base, stage) + rest);
      rest = "/" + found.version();
    }
    return new VersionName(base, rest.substring(1));
  }

  private String again(VersionName version) {
    return String.format(
        Locale.ROOT,
        "./mesh gate train --name %s%s --target-accuracy %s --alpha %s --independent %s --reading %s"
            + " --aim %s --calibration %s --exploration %s --rounds %d --depth %d --seed %d",
        version,
        decisions.again(),
        targetAccuracy,
        alpha,
        lower(independent),
        lower(reading),
        lower(aim),
        lower(calibration),
        exploration,
        rounds,
        depth,
        seed);
  }

  private void show(FittedGate gate, GatePlan plan, List<StoredModel> published) {
    GateCounts counts = gate.measured();
    printing.line("");
    printing.line(GateCard.promise(gate, plan).strip());
    printing.line("");
    TextTable table = TextTable.headed("stage", "AUC", "Brier", "calibration error", "hides below");
    for (GateStage stage : GateStage.values()) {
      FittedGate.Stage own = gate.stage(stage);
      table.row(
          lower(stage),
          figure(own.figures().getOrDefault("auc", Double.NaN)),
          figure(own.figures().getOrDefault("brier", Double.NaN)),
          figure(own.figures().getOrDefault("calibration_error", Double.NaN)),
          figure(
              stage == GateStage.CONTEXT
                  ? gate.rule().thresholds().stageOne()
                  : gate.rule().thresholds().stageTwo()));
    }
    printing.table(table);
    printing.line(
        String.format(
            Locale.ROOT,
            "on %,d decisions of users who trained nothing: %,d hidden (%,d of them not generated),"
                + " %,d of those kept",
            counts.examples(),
            counts.hidden(),
            counts.notGenerated(),
            counts.accepted()));
    published.forEach(each -> printing.line("published " + each.name() + "/" + each.version()));
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    published.forEach(
        each -> document.withArray("published").add(each.name() + "/" + each.version()));
    document.put(
        "lines",
        switch (gate.lines()) {
          case CertifiedGate.Certified found -> "proven";
          case CertifiedGate.Measured found -> "measured";
          case CertifiedGate.Infeasible none -> "open";
        });
    if (gate.lines() instanceof CertifiedGate.Measured found) {
      document.put("not_proven", lower(found.why()));
    }
    gate.guarantee().ifPresent(proven -> GateShowCommand.put(document, proven));
    document
        .putObject("measured")
        .put("decisions", counts.examples())
        .put("hidden", counts.hidden())
        .put("accepted", counts.accepted())
        .put("not_generated", counts.notGenerated());
    ObjectNode stages = document.putObject("stages");
    for (GateStage stage : GateStage.values()) {
      ObjectNode figures = stages.putObject(lower(stage));
      gate.stage(stage).figures().forEach(figures::put);
    }
    printing.document(document);
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
