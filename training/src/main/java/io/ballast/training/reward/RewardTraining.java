package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.reward.JudgementGroups.Grouped;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.LabelFlips;
import io.ballast.training.scoring.OwnBlocks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;

/**
 * Trains a reward ensemble: K heads on a frozen decoder, from what people said of completions.
 *
 * <p>With any pairs the loss is Bradley and Terry's; with grades alone it is the likelihood of the
 * grades, so that σ of a raw score is the expected grade, such as P[Love].
 */
public final class RewardTraining {
  private static final int GOLDEN_GROUPS = 16;

  private final RewardPlan plan;
  private final Path work;
  private final int threads;
  private final Listener listener;

  /** Is told how far a training has come. */
  public interface Listener {
    /** {@code done} of {@code all} prompts have been read. */
    void features(int done, int all);

    /**
     * A member is about to pass over the judgements. Like the others it may wait, and what it
     * throws ends the training.
     */
    default void pass() {}

    /** A member, counted from 1, has done {@code share}, 0 to 1, of the most passes. */
    default void blocks(int member, double share) {}

    /** A member has been trained. */
    void member(String line);
  }

  /**
   * What came of it.
   *
   * @param model with its held-out figures
   * @param trunk the decoder that it stands on
   * @param blocks a file of each member's own blocks, in the work folder; none if members have none
   * @param facts what was trained on and how, by name, in the order in which a reader wants them
   * @param golden completions that trained nothing, to keep the scores of
   * @param badRows rows that this model or this split cannot use
   */
  public record Trained(
      ScoringModel model,
      StoredModel trunk,
      List<Path> blocks,
      Map<String, String> facts,
      List<ScoringGroup> golden,
      List<BadRow> badRows) {
    /** Heads on one trunk, without blocks of members' own. */
    public Trained(
        ScoringModel model,
        StoredModel trunk,
        Map<String, String> facts,
        List<ScoringGroup> golden,
        List<BadRow> badRows) {
      this(model, trunk, List.of(), facts, golden, badRows);
    }

    /** Copies the lists. */
    public Trained {
      blocks = List.copyOf(blocks);
      golden = List.copyOf(golden);
      badRows = List.copyOf(badRows);
    }
  }

  /**
   * A training.
   *
   * @param work folder for the feature graph
   * @param threads to read features with, ≥ 1
   */
  public RewardTraining(RewardPlan plan, Path work, int threads, Listener listener) {
    this.plan = plan;
    this.work = work;
    this.threads = threads;
    this.listener = listener;
  }

  /**
   * Trains.
   *
   * @param skipsBad whether rows that this model or split cannot use are left out
   * @throws ModelException if the trunk cannot be opened
   * @throws UnusableDataException if rows cannot be used, or too few are left; named
   */
  public Trained train(JudgementData data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    Grouped grouped = group(data, trunk);
    if (!grouped.badRows().isEmpty() && !skipsBad) {
      throw UnusableDataException.of(grouped.badRows());
    }
    Function<String, Part> sides = sides(grouped.groups());
    List<JudgedGroup> groups = noisy(grouped.groups(), sides);
    if (groups.isEmpty()) {
      throw new UnusableDataException(
          "no judgements (expected: pairs or grades)"
              + data.facts().entrySet().stream()
                  .map(fact -> "; " + fact.getKey() + ": " + fact.getValue())
                  .collect(Collectors.joining()));
    }
    boolean pairs = groups.stream().anyMatch(group -> !group.preferences().isEmpty());
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk.folder(), ScoringFeature.all(), work, threads)) {
      FeatureTable table =
          FeatureTable.read(reader, groups, done -> listener.features(done, groups.size()));
      GroupSplit split = GroupSplit.of(table, sides);
      requireLabels(table, split, pairs);
      Map<String, String> facts = facts(data, groups, table, split, pairs);
      facts.put("rows left out", Long.toString(data.badRowCount() + grouped.badRows().size()));
      EnsembleTrainer trainer = trainer(pairs, reader, trunk);
      List<Path> blocks = List.of();
      ScoringModel model;
      if (plan.ownBlocks() == 0) {
        model = trainer.train(table, split, new int[0]);
      } else {
        try (OwnBlocks own = ownBlocks(trunk, reader, table)) {
          model = trainer.train(table, split, own);
          blocks = own.files(plan.members());
        }
        facts.put("own blocks", blocks(model.spec().ownBlocks()));
      }
      return new Trained(
          model, trunk, blocks, facts, split.measured(table, GOLDEN_GROUPS), grouped.badRows());
    }
  }

  private OwnBlocks ownBlocks(StoredModel trunk, OnnxFeatureReader reader, FeatureTable table)
      throws IOException, UnusableDataException {
    int layers = DecoderConfig.read(trunk.folder()).layers();
    int count = plan.ownBlocks() == RewardPlan.ALL_BLOCKS ? layers : plan.ownBlocks();
    if (count > layers) {
      throw new UnusableDataException(
          "own blocks: %d (expected: 0 to %d, the blocks of %s/%s)"
              .formatted(count, layers, trunk.name(), trunk.version()));
    }
    Path folder = Files.createDirectories(work.resolve("members"));
    return new OwnBlocks(
        trunk.folder(), count, plan.blocks(), reader, table, folder, listener::blocks);
  }

  private String blocks(int count) {
    return "each member's last %d and its final norm, from the trunk's weights; rate %s, decay %s"
        .formatted(count, plan.blocks().learningRate(), plan.blocks().weightDecay());
  }

  private Grouped group(JudgementData data, StoredModel trunk) {
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(trunk.folder())) {
      return new JudgementGroups(
              tokenizer,
              ChatTemplate.ofFolder(trunk.folder()),
              plan.maxPromptTokens(),
              plan.splitBy())
          .group(data.judgements());
    }
  }

  private Function<String, Part> sides(List<JudgedGroup> groups) {
    return plan.splitBy() == SplitBy.TIME
        ? plan.split().later(groups.stream().map(JudgedGroup::key).toList())
        : plan.split()::of;
  }

  /** Flips labels of what trains and stops; what is measured keeps its labels. */
  private List<JudgedGroup> noisy(List<JudgedGroup> groups, Function<String, Part> sides) {
    if (plan.flipProbability() == 0) {
      return groups;
    }
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(plan.seed());
    List<JudgedGroup> result = new ArrayList<>(groups.size());
    for (JudgedGroup group : groups) {
      boolean measured = sides.apply(group.key()) == Part.TEST;
      result.add(measured ? group : LabelFlips.flip(group, plan.flipProbability(), random));
    }
    return result;
  }

  /** Every part needs something to be learned, stopped or measured by. */
  private void requireLabels(FeatureTable table, GroupSplit split, boolean pairs)
      throws UnusableDataException {
    for (Part part : Part.values()) {
      long labels =
          Arrays.stream(split.groups(part))
              .mapToObj(table::group)
              .mapToLong(group -> labels(group, pairs))
              .sum();
      if (labels == 0) {
        throw new UnusableDataException(
            "%s part: no %s (expected: judgements of more %ss, or %s held out)"
                .formatted(
                    part.name().toLowerCase(Locale.ROOT),
                    pairs ? "pairs" : "grades",
                    plan.splitBy().name().toLowerCase(Locale.ROOT),
                    part == Part.TRAIN ? "less" : "more"));
      }
    }
  }

  private static long labels(JudgedGroup group, boolean pairs) {
    return pairs
        ? group.preferences().size()
        : group.grades().stream().filter(Grade::isKnown).count();
  }

  private EnsembleTrainer trainer(boolean pairs, OnnxFeatureReader reader, StoredModel trunk) {
    GroupLoss loss =
        pairs
            ? new GroupLoss.Preferences(new BradleyTerryLoss(plan.labelSmoothing(), 0))
            : new GroupLoss.Grades();
    return new EnsembleTrainer(
        new EnsembleTrainer.Plan(
            ScoringKind.REWARD_ENSEMBLE,
            plan.members(),
            loss,
            plan.bootstrap(),
            OptionalInt.of(plan.maxPromptTokens()),
            plan.seed(),
            plan.options()),
        reader.features(),
        DecoderConfig.read(trunk.folder()).hiddenSize(),
        reader.reference(trunk.name(), trunk.version()),
        listener::member,
        listener::pass);
  }

  private Map<String, String> facts(
      JudgementData data,
      List<JudgedGroup> groups,
      FeatureTable table,
      GroupSplit split,
      boolean pairs) {
    Map<String, String> facts = new LinkedHashMap<>();
    long preferences = groups.stream().mapToLong(group -> labels(group, true)).sum();
    long grades = groups.stream().mapToLong(group -> labels(group, false)).sum();
    facts.put(
        "judgements",
        String.format(
            Locale.ROOT,
            "%,d pairs and %,d graded completions, %,d completions of %,d prompts",
            preferences,
            grades,
            table.size(),
            table.groups()));
    facts.putAll(data.facts());
    facts.put("data, SHA-256", data.sha256());
    if (!table.refused().isEmpty()) {
      facts.put("completions left out", text(table.refused()));
    }
    facts.put(
        "prompts, split by " + plan.splitBy().name().toLowerCase(Locale.ROOT),
        String.format(
            Locale.ROOT,
            "%,d to train, %,d to stop and calibrate, %,d to measure",
            split.size(Part.TRAIN),
            split.size(Part.VALIDATION),
            split.size(Part.TEST)));
    facts.put("loss", pairs ? "Bradley-Terry of the pairs" : "likelihood of the grades");
    if (pairs) {
      facts.put("label smoothing", Double.toString(plan.labelSmoothing()));
    }
    facts.put("labels flipped on purpose", Double.toString(plan.flipProbability()));
    facts.put("heads", heads());
    facts.put("members differ by", difference());
    facts.put(
        "prompt tokens seen",
        plan.maxPromptTokens() == 0 ? "all" : "the last " + plan.maxPromptTokens());
    facts.put("seed", Long.toString(plan.seed()));
    return facts;
  }

  private String heads() {
    return switch (plan.options().form()) {
      case LAYERED -> "one hidden layer of %d units".formatted(plan.options().hiddenWidth());
      case LINEAR -> "linear";
    };
  }

  private String difference() {
    return switch (plan.options().form()) {
      case LAYERED ->
          plan.bootstrap()
              ? "first weights, order, and draw of the prompts"
              : "first weights and order";
      case LINEAR ->
          plan.bootstrap()
              ? "draw of the prompts"
              : "nothing: from the same judgements linear heads become the same (bootstrap makes"
                  + " them differ)";
    };
  }

  private static String text(Map<Refusal.Reason, Integer> refused) {
    return refused.entrySet().stream()
        .map(entry -> entry.getKey() + " " + entry.getValue())
        .collect(Collectors.joining(", "));
  }
}
