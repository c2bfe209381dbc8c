package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.digest.Sha256;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.HeadTrainer;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Preference;
import io.ballast.training.scoring.ScoringCard;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains reward or cost heads: labels → features → heads → scoring folder. */
@Command(
    name = "train-scoring",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Trains reward or cost heads on a frozen decoder from labelled suggestions.")
public final class TrainScoring implements Callable<Integer> {
  private static final int REWARD_HEADS = 5;
  private static final int COST_HEADS = 3;
  private static final int GOLDEN_GROUPS = 8;

  @Option(names = "--kind", required = true, description = "${COMPLETION-CANDIDATES}.")
  private ScoringKind kind = ScoringKind.REWARD_ENSEMBLE;

  @Option(
      names = "--labels",
      required = true,
      description = "JSON lines of labelled suggestions, plain or .gz.")
  private Path labels = Path.of(".");

  @Option(
      names = "--trunk",
      required = true,
      description = "Hugging Face folder of the decoder, <name>/<version>.")
  private Path trunk = Path.of(".");

  @Option(
      names = "--output",
      required = true,
      description = "Scoring folder to write, <name>/<version>, such as models/java-reward/1.")
  private Path output = Path.of(".");

  @Option(
      names = "--heads",
      description = "Members (default: " + REWARD_HEADS + " rewards, " + COST_HEADS + " costs).")
  private @Nullable Integer heads;

  @Option(
      names = "--worth",
      defaultValue = "KEPT",
      description =
          "Which label wins a pair: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Worth worth = Worth.KEPT;

  @Option(
      names = "--work",
      defaultValue = "workshop/target/scoring",
      description = "Folder for the feature graph (default: ${DEFAULT-VALUE}).")
  private Path work = Path.of("workshop/target/scoring");

  @Option(
      names = "--text-interval",
      defaultValue = "3",
      description =
          "Every so manieth position is given as two texts, as callers without tokens do; 0: none"
              + " (default: ${DEFAULT-VALUE}).")
  private int textInterval;

  @Option(
      names = "--epochs",
      defaultValue = "40",
      description = "The most passes over the labels (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of split, draws and first weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--threads",
      defaultValue = "1",
      description = "Threads to read features with (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--made-by",
      description = "What the model card says makes the model again (default: this command).")
  private @Nullable String madeBy;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new TrainScoring()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    int count = heads != null ? heads : kind == ScoringKind.COST ? COST_HEADS : REWARD_HEADS;
    if (count < 1 || epochs < 1 || threads < 1 || textInterval < 0) {
      throw new ParameterException(
          spec.commandLine(),
          "--heads, --epochs, --threads: at least 1 each; --text-interval: at least 0");
    }
    PrintWriter out = spec.commandLine().getOut();
    TextForms forms = forms();
    List<LabelledGroup> groups = forms.groups();
    ScoringModel model;
    Map<String, String> run;
    List<ScoringGroup> golden;
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk, ScoringFeature.all(), work, threads)) {
      FeatureTable table =
          FeatureTable.read(
              reader,
              groups.stream().map(this::judged).toList(),
              work.resolve("features.bin"),
              TrunkFeatures.key(labels, reader) + " every " + textInterval,
              done -> progress(out, done, groups.size()));
      GroupSplit split = GroupSplit.of(table, SplitRule.tenths(seed));
      HeadTrainer.Options options = HeadTrainer.Options.defaults().withEpochs(epochs);
      run = facts(table, split);
      golden = split.measured(table, GOLDEN_GROUPS);
      run.forEach((key, value) -> out.println(key + ": " + value));
      out.flush();
      Path home = trunk.toAbsolutePath().normalize();
      model =
          new EnsembleTrainer(
                  new EnsembleTrainer.Plan(
                      kind, count, loss(), true, OptionalInt.empty(), seed, options),
                  reader.features(),
                  DecoderConfig.read(trunk).hiddenSize(),
                  reader.reference(name(home.getParent()), name(home)),
                  line -> {
                    out.println(line);
                    out.flush();
                  })
              .train(
                  table,
                  split,
                  Arrays.stream(split.groups(Part.TEST))
                      .filter(group -> forms.isText(groups.get(table.source(group))))
                      .toArray());
    }
    publish(model, golden, count, run, out);
    return 0;
  }

  /** What a group says: which suggestion is worth more, or which does harm. */
  private JudgedGroup judged(LabelledGroup group) {
    double[] values =
        group.completions().stream()
            .mapToDouble(
                completion ->
                    switch (kind) {
                      case REWARD_ENSEMBLE -> worth.of(completion);
                      case COST -> completion.harmful() ? 1 : 0;
                    })
            .toArray();
    return new JudgedGroup(
        group.file(),
        group.prompt(),
        group.completions().stream().map(LabelledCompletion::tokens).toList(),
        preferences(values),
        JudgedGroup.graded(values));
  }

  /** Of costs a group's pairs, up to G²/4 of them, together count as much as its completions. */
  private List<Preference> preferences(double[] values) {
    List<Preference> pairs = JudgedGroup.byValue(values);
    return switch (kind) {
      case REWARD_ENSEMBLE -> pairs;
      case COST ->
          pairs.stream()
              .map(
                  p ->
                      new Preference(
                          p.winner(), p.loser(), 0, values.length / (double) pairs.size()))
              .toList();
    };
  }

  private GroupLoss loss() {
    return switch (kind) {
      case REWARD_ENSEMBLE -> new GroupLoss.Preferences(BradleyTerryLoss.plain());
      case COST -> new GroupLoss.SequenceWise(BradleyTerryLoss.plain());
    };
  }

  private String purpose() {
    return switch (kind) {
      case REWARD_ENSEMBLE ->
          "Says which of a prompt's suggestions saves a programmer more characters. Pairs are"
              + " ordered by characters; AUC is of a suggestion that begins right; correlation is"
              + " with characters.";
      case COST ->
          "Says whether a suggestion breaks the file's syntax: above 0 it does. Pairs, AUC and"
              + " correlation are of that event.";
    };
  }

  private TextForms forms() throws IOException {
    List<LabelledGroup> groups = LabelledGroups.read(labels);
    if (textInterval == 0 || groups.stream().allMatch(group -> group.promptText().isEmpty())) {
      return TextForms.without(groups);
    }
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk)) {
      return TextForms.of(groups, textInterval, tokenizer);
    }
  }

  private static void progress(PrintWriter out, int done, int groups) {
    if (done == groups || done % 1_024 == 0) {
      out.printf(Locale.ROOT, "features: %,d of %,d groups%n", done, groups);
      out.flush();
    }
  }

  private Map<String, String> facts(FeatureTable table, GroupSplit split) throws IOException {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put(
        "labels",
        String.format(
            Locale.ROOT, "%,d suggestions at %,d positions", table.size(), table.groups()));
    if (!table.refused().isEmpty()) {
      facts.put("left out", table.refused().toString());
    }
    facts.put(
        "positions, split by file",
        String.format(
            Locale.ROOT,
            "%,d to train, %,d to stop and calibrate, %,d to measure",
            split.size(Part.TRAIN),
            split.size(Part.VALIDATION),
            split.size(Part.TEST)));
    if (kind == ScoringKind.REWARD_ENSEMBLE) {
      facts.put("a pair is won by", "more characters " + worth.name().toLowerCase(Locale.ROOT));
    }
    if (textInterval > 0) {
      facts.put("given as texts instead of tokens", "1 of " + textInterval + " positions");
    }
    facts.put("each head learns from", "its own draw of the positions");
    facts.put("data, SHA-256", Sha256.of(labels));
    facts.put("seed", Long.toString(seed));
    facts.put("licence", "Apache-2.0");
    return facts;
  }

  private void publish(
      ScoringModel model,
      List<ScoringGroup> golden,
      int count,
      Map<String, String> run,
      PrintWriter out)
      throws IOException {
    String own =
        String.format(
            Locale.ROOT,
            "./mesh pretrain train-scoring --kind %s --heads %d --worth %s --seed %d --epochs %d",
            kind,
            count,
            worth,
            seed,
            epochs);
    Path home = output.toAbsolutePath().normalize();
    String card =
        ScoringCard.of(
            name(home.getParent()), purpose(), model.spec(), run, madeBy == null ? own : madeBy);
    Files.createDirectories(output);
    Files.writeString(output.resolve("MODEL_CARD.md"), card);
    Map<String, String> notes = ScoringCard.notes(run);
    ScoringModelFolder.write(output, model, notes);
    GoldenScores.keep(output, trunk, golden, GoldenScores.USUAL_TOLERANCE, work);
    ModelManifest.write(output, notes);
    out.println();
    out.println(card.substring(card.indexOf(ScoringCard.FIGURES)));
    out.println("written to " + output);
    out.flush();
  }

  private static String name(@Nullable Path path) {
    return path == null || path.getFileName() == null ? "unnamed" : path.getFileName().toString();
  }
}
