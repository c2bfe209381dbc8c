package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.scoring.EnsembleTrainer;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.LabelFlips;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.TrainedMembers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Trains an ensemble from a seed's labels, and scores the pools with it. The members learn from the
 * same labels; they differ by first weights and order, as the paper's do.
 */
final class ProgrammerEnsembles {
  private static final int GOLDEN_GROUPS = 16;

  private final ExperimentSetting setting;
  private final EnsemblesPlan plan;
  private final ProgrammerData data;
  private final StoredModel trunk;
  private final OnnxFeatureReader reader;
  private final FeatureTable pools;

  /** Reads the features of all pools with {@code reader}, which stays the caller's. */
  ProgrammerEnsembles(
      ExperimentSetting setting,
      EnsemblesPlan plan,
      ProgrammerData data,
      StoredModel trunk,
      OnnxFeatureReader reader)
      throws IOException {
    this.setting = setting;
    this.plan = plan;
    this.data = data;
    this.trunk = trunk;
    this.reader = reader;
    this.pools = features("pools", data.pools().stream().map(DrawnPool::distinct).toList());
  }

  /** Opens what reads features. */
  static OnnxFeatureReader reader(ExperimentSetting setting, StoredModel trunk, int threads) {
    return OnnxFeatureReader.open(
        trunk.folder(), ScoringFeature.all(), setting.work().resolve("onnx"), threads);
  }

  private FeatureTable features(String what, List<JudgedGroup> groups) throws IOException {
    Path file = setting.work().resolve("features-" + what + ".bin");
    long completions = groups.stream().mapToLong(group -> group.completions().size()).sum();
    String key =
        "%s %s: %d groups, %d completions, the last %s"
            .formatted(
                reader.trunkWeightsSha256(),
                reader.features(),
                groups.size(),
                completions,
                groups.getLast().completions().getLast());
    ExperimentProgress.Step step =
        setting.progress().step("features of " + what, "prompts", groups.size());
    int[] known = {0};
    FeatureTable table =
        FeatureTable.read(
            reader,
            groups,
            file,
            key,
            done -> {
              step.done(done - known[0]);
              known[0] = done;
            });
    if (table.size() != completions) {
      throw new IOException(
          "features of %s: %,d of %,d completions can be read (expected: all)"
              .formatted(what, table.size(), completions));
    }
    return table;
  }

  /**
   * Trains the ensemble of one seed.
   *
   * @param flips the probability that a preference is turned round; those that only measure stay
   */
  TrainedEnsemble train(int seed, double flips) throws IOException {
    SplitRule rule = SplitRule.tenths(seed);
    RandomGenerator random =
        RandomGeneratorFactory.of("L64X128MixRandom").create(7_919L * (seed + 1));
    List<JudgedGroup> groups = new ArrayList<>();
    for (DrawnPool pool : data.labels().get(seed)) {
      JudgedGroup group = pool.judged();
      groups.add(rule.of(group.key()) == Part.TEST ? group : LabelFlips.flip(group, flips, random));
    }
    FeatureTable table = features("labels-" + seed, groups);
    GroupSplit split = GroupSplit.of(table, rule);
    GroupLoss loss = new GroupLoss.Preferences(BradleyTerryLoss.plain());
    EnsembleTrainer.Plan whole =
        new EnsembleTrainer.Plan(
            ScoringKind.REWARD_ENSEMBLE,
            plan.members(),
            loss,
            false,
            OptionalInt.of(EnsemblesPlan.PROMPT_TOKENS),
            seed + 1,
            plan.training());
    TrainedMembers members =
        new MemberTrainer(
                new MemberTrainer.Plan(plan.members(), loss, false, seed + 1, plan.training()),
                line -> {})
            .train(table, split);
    return new TrainedEnsemble(
        seed,
        flips,
        members,
        new EnsembleTrainer(
                whole,
                reader.features(),
                DecoderConfig.read(trunk.folder()).hiddenSize(),
                reader.reference(trunk.name(), trunk.version()),
                line -> {})
            .measured(members, table, split, new int[0]),
        split.measured(table, GOLDEN_GROUPS));
  }

  /** Returns all pools as an ensemble scores them, in the order in which they were drawn. */
  List<ScoredPool> scored(TrainedEnsemble ensemble) {
    double[][] scores = ensemble.members().normalized(pools);
    List<ScoredPool> scored = new ArrayList<>();
    int from = 0;
    for (int p = 0; p < data.pools().size(); p++) {
      int to = from + pools.group(p).completions().size();
      double[][] own = new double[scores.length][];
      for (int k = 0; k < scores.length; k++) {
        own[k] = Arrays.copyOfRange(scores[k], from, to);
      }
      scored.add(data.pools().get(p).scored(own));
      from = to;
    }
    return scored;
  }
}
