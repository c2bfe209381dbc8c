package io.ballast.training.reward;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.ObjectiveSum;
import io.ballast.training.scoring.TrainedMembers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains a reward ensemble: K heads on a frozen decoder, from what people said of completions.
 *
 * <p>With any pairs the loss is Bradley and Terry's; with grades alone it is the likelihood of the
 * grades, so that σ of a raw score is the expected grade, such as P[Love]. With several objectives
 * each has K heads of its own, trained as if there were no others, and a member's score is their
 * weighted sum.
 */
public final class RewardTraining {
  /** A sum of less deviation than this share of its weights is rounding, in 32 bits. */
  private static final double LEAST_SUM = 1e-4;

  private final RewardPlan plan;
  private final Path work;
  private final int threads;
  private final Listener listener;
  private final RewardAim aim;
  private final JudgedTraining ensemble;

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
    this.aim = new RewardAim(plan.labelSmoothing());
    this.ensemble = new JudgedTraining(plan, aim, work, threads, listener);
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
    return ensemble.train(data, trunk, skipsBad);
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
                        groups, aim, reader, done -> listener.features(before + done, all)));
        read += groups.groups().size();
        tables.add(judged);
        judged.facts().forEach((name, fact) -> facts.put(objective.name() + ": " + name, fact));
        golden.addAll(
            judged
                .split()
                .measured(
                    judged.table(), Math.ceilDiv(JudgedTraining.GOLDEN_GROUPS, sorted.size())));
        judged.badRows().forEach(row -> badRows.add(objective.named(row)));
      }
      for (int o = 0; o < tables.size(); o++) {
        Objective objective = data.objectives().get(o);
        JudgedTable judged = tables.get(o);
        summands.add(objective.named(() -> trained(objective, judged, reader, trunk)));
      }
    }
    facts.putAll(ensemble.facts());
    facts.put(
        "rows left out", Long.toString(tables.stream().mapToLong(JudgedTable::leftOut).sum()));
    ScoringModel model = new ObjectiveSum(summands).model();
    double weights = data.objectives().stream().mapToDouble(each -> Math.abs(each.weight())).sum();
    JudgedTraining.requireVarying(
        "the weighted sum", model.spec().normalizations(), LEAST_SUM * weights);
    return new Trained(model, trunk, List.of(), facts, golden, badRows);
  }

  /** Trains by one objective, as {@link #train(JudgementData, StoredModel, boolean)} would. */
  private ObjectiveSum.Summand trained(
      Objective objective, JudgedTable judged, OnnxFeatureReader reader, StoredModel trunk)
      throws UnusableDataException {
    EnsembleTrainer trainer =
        ensemble.trainer(
            judged, reader, trunk, line -> listener.member(objective.name() + ": " + line));
    FeatureTable table = judged.table();
    GroupSplit split = judged.split();
    TrainedMembers members = trainer.members(table, split);
    JudgedTraining.requireVarying("the score", members.normalizations(), MemberTrainer.LEAST_STD);
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
}
