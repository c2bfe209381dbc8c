package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.training.data.JudgementData;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.NoBoundaryException;
import io.ballast.training.scoring.OwnBlocks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** Trains an ensemble from judgements of one kind, whatever its scores are to mean. */
public final class JudgedTraining {
  /** How many prompts, that trained nothing, golden scores are of. */
  static final int GOLDEN_GROUPS = 16;

  private final RewardPlan plan;
  private final Aim aim;
  private final Path work;
  private final int threads;
  private final RewardTraining.Listener listener;

  /**
   * A training.
   *
   * @param aim of the scores
   * @param work folder for the feature graph
   * @param threads to read features with, ≥ 1
   */
  public JudgedTraining(
      RewardPlan plan, Aim aim, Path work, int threads, RewardTraining.Listener listener) {
    this.plan = plan;
    this.aim = aim;
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
  public RewardTraining.Trained train(JudgementData data, StoredModel trunk, boolean skipsBad)
      throws IOException, UnusableDataException {
    JudgedTable.Sorted sorted = JudgedTable.sort(plan, data, trunk, skipsBad);
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk.folder(), ScoringFeature.all(), work, threads)) {
      int all = sorted.groups().size();
      JudgedTable judged =
          JudgedTable.read(sorted, aim, reader, done -> listener.features(done, all));
      FeatureTable table = judged.table();
      GroupSplit split = judged.split();
      Map<String, String> facts = new LinkedHashMap<>(judged.facts());
      facts.putAll(facts());
      facts.put("rows left out", Long.toString(judged.leftOut()));
      EnsembleTrainer trainer = trainer(judged, reader, trunk, listener::member);
      List<Path> blocks = List.of();
      ScoringModel model;
      try {
        if (plan.ownBlocks() == 0) {
          model = trainer.train(table, split, new int[0]);
        } else {
          try (OwnBlocks own = ownBlocks(trunk, reader, table)) {
            model = trainer.train(table, split, own);
            blocks = own.files(plan.members());
          }
          facts.put("own blocks", blocks(model.spec().ownBlocks()));
        }
      } catch (NoBoundaryException e) {
        throw new UnusableDataException(String.valueOf(e.getMessage()), e);
      }
      requireVarying("the score", model.spec().normalizations(), MemberTrainer.LEAST_STD);
      return new RewardTraining.Trained(
          model, trunk, blocks, facts, split.measured(table, GOLDEN_GROUPS), judged.badRows());
    }
  }

  /** Refuses scores that are rounding noise alone, which a normalisation would make large. */
  static void requireVarying(String what, List<Normalization> members, double least)
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

  /**
   * Returns what trains members.
   *
   * @param log told a line now and then
   */
  EnsembleTrainer trainer(
      JudgedTable judged, OnnxFeatureReader reader, StoredModel trunk, Consumer<String> log) {
    return new EnsembleTrainer(
        new EnsembleTrainer.Plan(
            aim.kind(),
            plan.members(),
            aim.loss(judged.pairs()),
            plan.bootstrap(),
            OptionalInt.of(plan.maxPromptTokens()),
            plan.seed(),
            plan.options(),
            judged.zero().centring(),
            judged.zero().boundary()),
        reader.features(),
        DecoderConfig.read(trunk.folder()).hiddenSize(),
        reader.reference(trunk.name(), trunk.version()),
        log,
        listener::pass);
  }

  /** How it is trained, by name, in the order in which a reader wants it. */
  Map<String, String> facts() {
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
