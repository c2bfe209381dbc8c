package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.BadRowsException;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.JudgementFile;
import io.ballast.training.data.RowLimits;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.RewardPublisher;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains a reward ensemble from a file of judgements and publishes it. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains a reward ensemble from a file of judgements and publishes it in the data folder. No"
          + " mesh need run.",
      "A row is a pair {\"prompt\", \"chosen\", \"rejected\"}, with margin, weight, user and"
          + " annotator if there are any, or a grade {\"prompt\", \"completion\"} with label, rating"
          + " (and minimum, maximum) or reaction: the names of TRL and OpenRLHF. See"
          + " training/README.md."
    },
    footer = {
      "",
      "Example: ./mesh reward train pairs.jsonl.gz --name taste",
      "Then:    ./mesh up --set ballast.reward.default-model=taste"
    })
final class RewardTrainCommand implements Callable<Integer> {
  private static final int SHOWN_BAD_ROWS = 5;

  @Parameters(
      index = "0",
      paramLabel = "FILE",
      description = "JSON lines of judgements, plain or gzip.")
  private Path file = Path.of("");

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME[/VERSION]",
      description = "What the ensemble is called; without a version: the next number.")
  private String name = "";

  @Option(
      names = "--trunk",
      paramLabel = "NAME[/VERSION]",
      defaultValue = "java-tiny",
      description =
          "The decoder that reads the texts; ./mesh models folders shows them (default:"
              + " ${DEFAULT-VALUE}).")
  private String trunk = "";

  @Option(
      names = "--members",
      defaultValue = "5",
      description = "Members of the ensemble, 1 to 64 (default: ${DEFAULT-VALUE}).")
  private int members;

  @Option(
      names = "--head",
      paramLabel = "FORM",
      defaultValue = "layered",
      description =
          "What a member makes of its features: layered (one hidden layer of tanh) or linear, an"
              + " honest baseline whose members become the same unless there is --bootstrap"
              + " (default: ${DEFAULT-VALUE}).")
  private HeadForm head = HeadForm.LAYERED;

  @Option(
      names = "--bootstrap",
      description =
          "Each member learns from its own draw of the prompts, with replacement. Without it they"
              + " differ by first weights and order.")
  private boolean bootstrap;

  @Option(
      names = "--label-smoothing",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "The share of pairs whose label is believed to be wrong, 0 to below 0.5 (default:"
              + " ${DEFAULT-VALUE}).")
  private double labelSmoothing;

  @Option(
      names = "--flip",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "For experiments: turns this share of the labels round, of all but those that measure"
              + " (default: ${DEFAULT-VALUE}).")
  private double flip;

  @Option(
      names = "--split-by",
      defaultValue = "prompt",
      description = "What is held out whole: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private SplitBy splitBy = SplitBy.PROMPT;

  @Option(
      names = "--held-out",
      paramLabel = "PERCENT",
      defaultValue = "10",
      description =
          "This much to stop and calibrate, and as much again to measure, 1 to 49 (default:"
              + " ${DEFAULT-VALUE}).")
  private int heldOut;

  @Option(
      names = "--skip-bad",
      description = "Leaves rows out that say nothing, and counts them; else one refuses the file.")
  private boolean skipBad;

  @Option(
      names = "--max-prompt-tokens",
      paramLabel = "N",
      defaultValue = "96",
      description =
          "That members see of a prompt, its last ones, as the reward-server's property"
              + " max-prompt-tokens has it; 0: all (default: ${DEFAULT-VALUE}).")
  private int maxPromptTokens;

  @Option(
      names = "--epochs",
      defaultValue = "40",
      description = "The most passes over the judgements (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of split, flips, draws, order and first weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "To read the texts with (default: the cores of the process).")
  private @Nullable Integer threads;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "The data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  RewardTrainCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    RewardPlan plan = plan();
    List<Path> roots = ModelFoldersCommand.roots(context, data);
    ModelStore store = new ModelStore(roots.getFirst());
    String model = name.contains("/") ? name.substring(0, name.indexOf('/')) : name;
    String version = version(store, model);
    StoredModel decoder = decoder(roots);
    Path work = Files.createTempDirectory("ballast-reward-train");
    try {
      JudgementData judgements = read();
      RewardTraining.Trained trained =
          new RewardTraining(plan, work, threads(), listener()).train(judgements, decoder, skipBad);
      StoredModel published =
          new RewardPublisher(store, work)
              .publish(
                  model, version, trained, command(model, version, decoder), MeshCommand.VERSION);
      show(published, trained, judgements);
      return Exit.OK.code();
    } catch (BadRowsException e) {
      throw new CommandFailure(
          Exit.FAILED, "BAD_ROWS", e.getMessage() + "; --skip-bad leaves them out");
    } catch (UnusableDataException e) {
      throw new CommandFailure(
          Exit.FAILED, "UNUSABLE_DATA", file.getFileName() + ": " + e.getMessage());
    } catch (FileAlreadyExistsException e) {
      throw new CommandFailure(
          Exit.REFUSED,
          "VERSION_EXISTS",
          "%s/%s is there already, and versions do not change; give another"
              .formatted(model, version));
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } finally {
      ModelStore.deleteAll(work);
    }
  }

  private RewardPlan plan() {
    try {
      if (epochs < 1 || (threads != null && threads < 1)) {
        throw new IllegalArgumentException("--epochs, --threads: at least 1 each");
      }
      return new RewardPlan(
          members,
          bootstrap,
          labelSmoothing,
          flip,
          splitBy,
          new SplitRule(seed, heldOut, heldOut),
          maxPromptTokens,
          seed,
          HeadTrainer.Options.defaults().withEpochs(epochs).withForm(head));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private int threads() {
    return threads != null ? threads : Runtime.getRuntime().availableProcessors();
  }

  private String version(ModelStore store, String model) {
    String version =
        name.contains("/") ? name.substring(name.indexOf('/') + 1) : next(store, model);
    try {
      if (store.find(model, version).isPresent()) {
        throw new CommandFailure(
            Exit.REFUSED,
            "VERSION_EXISTS",
            "%s/%s is there already, and versions do not change; give another"
                .formatted(model, version));
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--name: " + e.getMessage(), e);
    }
    return version;
  }

  private static String next(ModelStore store, String model) {
    long last =
        store.list().stream()
            .filter(stored -> stored.name().equals(model))
            .map(StoredModel::version)
            .filter(version -> version.matches("[0-9]{1,9}"))
            .mapToLong(Long::parseLong)
            .max()
            .orElse(0);
    return Long.toString(last + 1);
  }

  private StoredModel decoder(List<Path> roots) {
    ModelChoice choice = ModelChoice.of("--trunk: ", trunk, roots);
    StoredModel decoder =
        roots.stream()
            .map(ModelStore::new)
            .flatMap(root -> root.find(choice.model(), choice.version()).stream())
            .findFirst()
            .orElseThrow();
    ModelKind kind = ModelKind.of(decoder.folder());
    if (kind != ModelKind.DECODER) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_DECODER",
          "--trunk: %s/%s: %s, not a decoder"
              .formatted(choice.model(), choice.version(), kind.words()));
    }
    return decoder;
  }

  private JudgementData read() throws IOException, BadRowsException {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new CommandFailure(Exit.FAILED, "NO_FILE", file + ": no file that can be read");
    }
    return new JudgementFile(RowLimits.defaults(), skipBad).read(file);
  }

  private RewardTraining.Listener listener() {
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    return new RewardTraining.Listener() {
      @Override
      public void features(int done, int all) {
        progress.at("reading prompts", (double) done / all);
      }

      @Override
      public void member(String line) {
        progress.end();
        printing.line(line);
      }
    };
  }

  /** What makes the same again, without where things lie on this machine. */
  private String command(String model, String version, StoredModel decoder) {
    return String.format(
        Locale.ROOT,
        "./mesh reward train %s --name %s/%s --trunk %s/%s --members %d --head %s%s --label-smoothing %s"
            + " --flip %s --split-by %s --held-out %d --max-prompt-tokens %d --epochs %d --seed %d%s",
        file.getFileName(),
        model,
        version,
        decoder.name(),
        decoder.version(),
        members,
        head.name().toLowerCase(Locale.ROOT),
        bootstrap ? " --bootstrap" : "",
        labelSmoothing,
        flip,
        splitBy.name().toLowerCase(Locale.ROOT),
        heldOut,
        maxPromptTokens,
        epochs,
        seed,
        skipBad ? " --skip-bad" : "");
  }

  private void show(
      StoredModel published, RewardTraining.Trained trained, JudgementData judgements) {
    ScoringSpec model = trained.model().spec();
    List<BadRow> bad = new ArrayList<>(judgements.badRows());
    bad.addAll(trained.badRows());
    bad.sort(Comparator.comparingLong(BadRow::row));
    long badCount = judgements.badRowCount() + trained.badRows().size();
    printing.document(document(published, trained, bad, badCount));
    if (badCount > 0) {
      printing.line(String.format(Locale.ROOT, "%,d rows left out:", badCount));
      bad.stream().limit(SHOWN_BAD_ROWS).forEach(row -> printing.line("  " + row));
    }
    trained.facts().forEach((fact, value) -> printing.line(fact + ": " + value));
    printing.line("");
    TextTable table =
        TextTable.headed("on what trained nothing", "pairs in order", "AUC of grades");
    for (int k = 0; k < model.heads(); k++) {
      row(table, "member " + k, model.heldOutMembers().get(k), "");
    }
    row(table, "mean", model.heldOut(), "mean_");
    row(table, "worst member (WCO)", model.heldOut(), "cautious_");
    row(table, "length alone", model.heldOut(), "baseline_length_");
    printing.table(table);
    printing.line("");
    printing.line(
        "members agree on %s of the pairs; expected calibration error %s"
            .formatted(
                figure(model.heldOut(), "member_agreement"),
                figure(
                    model.heldOut(),
                    model.heldOut().containsKey("calibration_error")
                        ? "calibration_error"
                        : "pair_calibration_error")));
    printing.line("published: " + published.name() + "/" + published.version());
  }

  private static void row(
      TextTable table, String what, Map<String, Double> figures, String prefix) {
    table.row(
        what, figure(figures, prefix + "within_prompt_accuracy"), figure(figures, prefix + "auc"));
  }

  private static String figure(Map<String, Double> figures, String key) {
    Double value = figures.get(key);
    return value == null ? "–" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static ObjectNode document(
      StoredModel published, RewardTraining.Trained trained, List<BadRow> bad, long badCount) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", published.name());
    document.put("version", published.version());
    document.put("folder", published.folder().toString());
    ObjectNode facts = document.putObject("facts");
    trained.facts().forEach(facts::put);
    ArrayNode members = document.putArray("members");
    trained
        .model()
        .spec()
        .heldOutMembers()
        .forEach(figures -> figures.forEach(members.addObject()::put));
    ObjectNode ensemble = document.putObject("ensemble");
    trained.model().spec().heldOut().forEach(ensemble::put);
    document.put("bad_row_count", badCount);
    ArrayNode rows = document.putArray("bad_rows");
    bad.forEach(row -> rows.addObject().put("row", row.row()).put("reason", row.reason()));
    return document;
  }
}
