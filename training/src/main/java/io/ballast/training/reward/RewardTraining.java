package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.ObjectiveSum;
import io.ballast.training.scoring.OwnBlocks;
import io.ballast.training.scoring.TrainedMembers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Trains a reward ensemble: K heads on a frozen decoder, from what people said of completions.
 *
 * <p>With any pairs the loss is Bradley and Terry's; with grades alone it is the likelihood of the
 * grades, so that σ of a raw score is the expected grade, such as P[Love]. With several objectives
 * each has K heads of its own, trained as if there were no others, and a member's score is their
 * weighted sum.
 */
public final class RewardTraining {
  private static final int GOLDEN_GROUPS = 16;

  /** A sum of less deviation than this share of its weights is rounding, in 32 bits. */
  private static final double LEAST_SUM = 1e-4;

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

    /** A member has been trained, or its head for one of the objectives. */
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
  public Trained train(RewardData data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    return switch (data) {
      case RewardData.Whole whole -> train(whole.judgements(), trunk, skipsBad);
      case RewardData.Objectives several -> train(several, trunk, skipsBad);
    };
  }

  /**
   * Trains from judgements of one kind.
   *
   * @throws ModelException as the other
   * @throws UnusableDataException as the other
   */
  public Trained train(JudgementData data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    JudgedTable.Sorted sorted = JudgedTable.sort(plan, data, trunk, skipsBad);
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk.folder(), ScoringFeature.all(), work, threads)) {
      int all = sorted.groups().size();
      JudgedTable judged = JudgedTable.read(sorted, reader, done -> listener.features(done, all));
      FeatureTable table = judged.table();
      GroupSplit split = judged.split();
      Map<String, String> facts = new LinkedHashMap<>(judged.facts());
      facts.putAll(facts());
      facts.put("rows left out", Long.toString(judged.leftOut()));
      EnsembleTrainer trainer = trainer(judged.pairs(), reader, trunk, listener::member);
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
      requireVarying("the score", model.spec().normalizations(), MemberTrainer.LEAST_STD);
      return new Trained(
          model, trunk, blocks, facts, split.measured(table, GOLDEN_GROUPS), judged.badRows());
    }
  }

  /** Trains an ensemble by each objective, as from its judgements alone, and sums them up. */
  private Trained train(RewardData.Objectives data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    if (plan.ownBlocks() > 0) {
      throw new UnusableDataException(
          "own blocks: members that judge by several objectives have none (expected: 0)");
    }
    List<JudgedTable.Sorted> sorted = JudgedTable.sort(plan, data, trunk, skipsBad);
    int all = sorted.stream().mapToInt(each -> each.groups().size()).sum();
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("objectives, each standardised", data.sum());
    List<ScoringGroup> golden = new ArrayList<>();
    List<BadRow> badRows = new ArrayList<>();
    List<JudgedTable> tables = new ArrayList<>();
    List<ObjectiveSum.Summand> summands = new ArrayList<>();
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk.folder(), ScoringFeature.all(), work, threads)) {
      int read = 0;
      for (int o = 0; o < sorted.size(); o++) {
        Objective objective = data.objectives().get(o);
        JudgedTable.Sorted groups = sorted.get(o);
        int before = read;
        JudgedTable judged =
            objective.named(
                () ->
                    JudgedTable.read(
                        groups, reader, done -> listener.features(before + done, all)));
        read += groups.groups().size();
        tables.add(judged);
        judged.facts().forEach((name, fact) -> facts.put(objective.name() + ": " + name, fact));
        golden.addAll(
            judged.split().measured(judged.table(), Math.ceilDiv(GOLDEN_GROUPS, sorted.size())));
        judged.badRows().forEach(row -> badRows.add(objective.named(row)));
      }
      for (int o = 0; o < tables.size(); o++) {
        Objective objective = data.objectives().get(o);
        JudgedTable judged = tables.get(o);
        summands.add(objective.named(() -> trained(objective, judged, reader, trunk)));
      }
    }
    facts.putAll(facts());
    facts.put(
        "rows left out", Long.toString(tables.stream().mapToLong(JudgedTable::leftOut).sum()));
    ScoringModel model = new ObjectiveSum(summands).model();
    double weights = data.objectives().stream().mapToDouble(each -> Math.abs(each.weight())).sum();
    requireVarying("the weighted sum", model.spec().normalizations(), LEAST_SUM * weights);
    return new Trained(model, trunk, List.of(), facts, golden, badRows);
  }

  /** Trains by one objective, as {@link #train(JudgementData, StoredModel, boolean)} would. */
  private ObjectiveSum.Summand trained(
      Objective objective, JudgedTable judged, OnnxFeatureReader reader, StoredModel trunk)
      throws UnusableDataException {
    EnsembleTrainer trainer =
        trainer(
            judged.pairs(), reader, trunk, line -> listener.member(objective.name() + ": " + line));
    FeatureTable table = judged.table();
    GroupSplit split = judged.split();
    TrainedMembers members = trainer.members(table, split);
    requireVarying("the score", members.normalizations(), MemberTrainer.LEAST_STD);
    return new ObjectiveSum.Summand(
        objective.name(),
        objective.weight(),
        table,
        split,
        members,
        objective.weight() < 0
            ? trainer.measuredForLess(members, table, split)
            : trainer.measured(members, table, split, new int[0]));
  }

  /** Refuses scores that are rounding noise alone, which a normalisation would make large. */
  private static void requireVarying(String what, List<Normalization> members, double least)
      throws UnusableDataException {
    for (int k = 0; k < members.size(); k++) {
      if (members.get(k).std() <= least) {
        throw new UnusableDataException(
            ("%s of member %d does not vary over what was learned from: standard deviation %s"
                    + " (expected: > %s)")
                .formatted(what, k, members.get(k).std(), least));
      }
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

  private EnsembleTrainer trainer(
      boolean pairs, OnnxFeatureReader reader, StoredModel trunk, Consumer<String> log) {
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
        log,
        listener::pass);
  }

  /** How it is trained, by name, in the order in which a reader wants it. */
  private Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
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
}
