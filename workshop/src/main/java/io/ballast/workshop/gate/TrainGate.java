package io.ballast.workshop.gate;

import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.adapter.TrainedOnFile;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.TrainedOn;
import io.ballast.safety.core.gatefit.TreeGrower;
import io.ballast.workshop.scoring.LabelledGroup;
import io.ballast.workshop.scoring.LabelledGroups;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains the display gate: labels → features → trees → thresholds → two gate folders. */
@Command(
    name = "train-gate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Trains both stages of the display gate from labelled suggestions.")
public final class TrainGate implements Callable<Integer> {
  @Option(
      names = "--labels",
      required = true,
      description = "JSON lines written by collect, plain or .gz.")
  private Path labels = Path.of(".");

  @Option(
      names = "--policy",
      defaultValue = "java-tiny 1",
      description = "Whose suggestions they are, for the model card (default: ${DEFAULT-VALUE}).")
  private String policy = "java-tiny 1";

  @Option(
      names = "--context-output",
      required = true,
      description = "Folder of stage 1 to write, such as models/java-gate-context/1.")
  private Path contextOutput = Path.of(".");

  @Option(
      names = "--suggestion-output",
      required = true,
      description = "Folder of stage 2 to write, such as models/java-gate-suggestion/1.")
  private Path suggestionOutput = Path.of(".");

  @Option(
      names = "--target-accuracy",
      defaultValue = "0.97",
      description =
          "Of what is withheld, at least this share would have been rejected, by its lower bound"
              + " (default: ${DEFAULT-VALUE}).")
  private double targetAccuracy;

  @Option(
      names = "--refer-cost",
      defaultValue = "0.5",
      description =
          "What a generation costs against a needless display, 0 to 1 (default: ${DEFAULT-VALUE}).")
  private double referCost;

  @Option(
      names = "--delta",
      defaultValue = "0.05",
      description =
          "The lower bound, or the promise, holds with 1 − this (default: ${DEFAULT-VALUE}).")
  private double delta;

  @Option(
      names = "--lines",
      defaultValue = "ENUMERATION",
      description =
          "How lines are drawn: ${COMPLETION-CANDIDATES}. The second takes few lines, and what it"
              + " promises of them holds (default: ${DEFAULT-VALUE}).")
  private DrawnLines.Method lines = DrawnLines.Method.ENUMERATION;

  @Option(
      names = "--features",
      defaultValue = "TEXT_AND_HISTORY",
      description =
          "What the stages see: ${COMPLETION-CANDIDATES}. The second knows what the programmer did"
              + " at earlier positions of the file (default: ${DEFAULT-VALUE}).")
  private FeatureSet features = FeatureSet.TEXT_AND_HISTORY;

  @Option(
      names = "--exploration",
      defaultValue = "0.02",
      description =
          "Share of what would be withheld that is shown, so that the gate can go on learning"
              + " (default: ${DEFAULT-VALUE}).")
  private double exploration;

  @Option(
      names = "--rounds",
      defaultValue = "600",
      description = "The most trees of a stage (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--depth",
      defaultValue = "4",
      description = "Depth of a tree (default: ${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of split and trees (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--made-by",
      description = "What the model card says makes the model again (default: this command).")
  private @Nullable String madeBy;

  @Option(names = "--note", description = "What a reader must know besides, for the card's limits.")
  private String note = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new TrainGate()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    requireOptions();
    PrintWriter out = spec.commandLine().getOut();
    List<LabelledGroup> groups = LabelledGroups.read(labels);
    GateTrainer.Plan plan =
        new GateTrainer.Plan(
            targetAccuracy,
            referCost,
            delta,
            lines,
            exploration,
            new TreeGrower.Options(rounds, depth, 0.05, 8, seed),
            seed);
    GateTrainer.Trained trained =
        new GateTrainer(
                plan,
                line -> {
                  out.println(line);
                  out.flush();
                })
            .train(GateRows.of(groups, features, new SplittableRandom(seed)), this::percent);
    GateTrainer.Stage one = trained.stage(GateStage.CONTEXT);
    GateTrainer.Stage two = trained.stage(GateStage.SUGGESTION);
    String pair =
        GateModelFolder.pair(one.spec(), one.trees().bytes(), two.spec(), two.trees().bytes());
    publish(GateStage.CONTEXT, contextOutput, trained, plan, pair, out);
    publish(GateStage.SUGGESTION, suggestionOutput, trained, plan, pair, out);
    return 0;
  }

  private void requireOptions() {
    require(targetAccuracy > 0 && targetAccuracy < 1, "--target-accuracy", targetAccuracy);
    require(delta > 0 && delta < 1, "--delta", delta);
    require(referCost >= 0 && referCost <= 1, "--refer-cost", referCost);
    require(exploration >= 0 && exploration <= 1, "--exploration", exploration);
    require(rounds >= 1, "--rounds", rounds);
    require(depth >= 1 && depth <= 12, "--depth", depth);
  }

  private void require(boolean holds, String option, Object value) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), option + ": " + value + " is out of range");
    }
  }

  private int percent(String file) {
    CRC32 sum = new CRC32();
    sum.update((seed + "/gate/" + file).getBytes(StandardCharsets.UTF_8));
    return (int) (sum.getValue() % 100);
  }

  private void publish(
      GateStage stage,
      Path output,
      GateTrainer.Trained trained,
      GateTrainer.Plan plan,
      String pair,
      PrintWriter out)
      throws IOException {
    GateTrainer.Stage own = trained.stage(stage);
    String thisCommand =
        String.format(
            Locale.ROOT,
            "./mesh pretrain train-gate --target-accuracy %s --refer-cost %s --delta %s --lines %s"
                + " --features %s --exploration %s --rounds %d --depth %d --seed %d",
            targetAccuracy,
            referCost,
            delta,
            lines,
            features,
            exploration,
            rounds,
            depth,
            seed);
    Path home = output.toAbsolutePath().normalize();
    String card =
        GateCard.of(
            name(home.getParent()),
            stage,
            trained,
            plan,
            policy,
            madeBy == null ? thisCommand : madeBy,
            note);
    Files.createDirectories(output);
    Files.writeString(output.resolve("MODEL_CARD.md"), card);
    TrainedOnFile.write(output, new TrainedOn(Set.of(), Instant.EPOCH)); // no user of a mesh
    GateModelFolder.write(
        output, own.spec().paired(pair), own.trees().bytes(), Map.of("seed", Long.toString(seed)));
    out.println();
    out.println(card.substring(card.indexOf("## On files")));
    out.println("written to " + output);
    out.flush();
  }

  private static String name(@Nullable Path path) {
    return path == null || path.getFileName() == null ? "unnamed" : path.getFileName().toString();
  }
}
