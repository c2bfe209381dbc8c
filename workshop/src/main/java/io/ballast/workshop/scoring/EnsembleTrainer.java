package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Trains the heads of one scoring folder: each on its own draw of the prompts and its own first
 * weights; then normalises, calibrates and measures them.
 */
final class EnsembleTrainer {
  /**
   * What to train.
   *
   * @param kind of the folder
   * @param heads K
   * @param worth which label wins, for rewards
   * @param seed of split, draws and weights
   */
  record Plan(ScoringKind kind, int heads, Worth worth, long seed, HeadTrainer.Options options) {}

  private final Plan plan;
  private final List<ScoringFeature> features;
  private final int hiddenSize;
  private final TrunkReference trunk;
  private final Consumer<String> log;

  EnsembleTrainer(
      Plan plan,
      List<ScoringFeature> features,
      int hiddenSize,
      TrunkReference trunk,
      Consumer<String> log) {
    this.plan = plan;
    this.features = features;
    this.hiddenSize = hiddenSize;
    this.trunk = trunk;
    this.log = log;
  }

  /**
   * Returns the trained model with its held-out figures.
   *
   * @param table features as read, not standardised
   * @param textTest those groups of the test that were given as texts, measured by themselves too
   * @throws IllegalArgumentException if a part of the split has no groups
   */
  ScoringModel train(FeatureTable table, GroupSplit split, int[] textTest) {
    requireGroups(split.train(), "training");
    requireGroups(split.validation(), "validation");
    requireGroups(split.test(), "test");
    int[] train = split.train().groups();
    int[] validation = split.validation().groups();
    float[] mean = table.mean(train);
    float[] std = table.std(train, mean);
    FeatureTable standard = table.standardized(mean, std);
    GroupLoss loss =
        switch (plan.kind()) {
          case REWARD_ENSEMBLE -> new GroupLoss.BradleyTerry(plan.worth());
          case COST -> new GroupLoss.SignAnchored();
        };
    List<Head> heads = new ArrayList<>();
    List<double[]> scores = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < plan.heads(); k++) {
      RandomGenerator random =
          RandomGeneratorFactory.of("L64X128MixRandom").create(plan.seed() * 1_000 + k);
      HeadTrainer.Trained trained =
          new HeadTrainer(plan.options(), standard, loss)
              .train(HeadTrainer.bootstrap(train, random), validation, random);
      heads.add(trained.network().head());
      double[] raw = trained.network().scores(standard);
      scores.add(raw);
      normalizations.add(normalization(standard, train, raw));
      log.accept(
          String.format(
              Locale.ROOT,
              "head %d: best after %d passes, validation loss %.4f",
              k,
              trained.epochs(),
              trained.validationLoss()));
    }
    EnsembleFigures figures =
        new EnsembleFigures(plan.kind(), plan.worth(), normalizations, scores);
    Calibration calibration = figures.calibrate(standard, validation);
    ScoringMetrics test = new ScoringMetrics(standard, split.test().groups());
    List<Map<String, Double>> members = figures.members(test);
    Map<String, Double> ensemble = figures.ensemble(test, calibration, baselines(table));
    if (textTest.length > 0) {
      figures.subset(ensemble, "as_text_", new ScoringMetrics(standard, textTest));
    }
    ScoringSpec spec =
        new ScoringSpec(
            plan.kind(),
            features,
            plan.options().hiddenWidth(),
            HeadActivation.TANH,
            trunk,
            normalizations,
            calibration,
            members,
            ensemble);
    return new ScoringModel(spec, new ScoringHeads(mean, std, heads));
  }

  /** What a head must beat: single numbers that need no training. */
  private Map<String, double[]> baselines(FeatureTable table) {
    return Map.of(
        "length", column(table, ScoringFeature.LENGTH),
        "mean_log_prob", column(table, ScoringFeature.MEAN_LOG_PROB),
        "sum_log_prob", column(table, ScoringFeature.SUM_LOG_PROB));
  }

  private double[] column(FeatureTable table, ScoringFeature feature) {
    int at = ScoringFeature.width(features.subList(0, features.indexOf(feature)), hiddenSize);
    double[] column = new double[table.size()];
    for (int i = 0; i < column.length; i++) {
      column[i] = table.features(i)[at];
    }
    return column;
  }

  private static Normalization normalization(FeatureTable table, int[] groups, double[] scores) {
    double[] own =
        Arrays.stream(groups).flatMap(table::completions).mapToDouble(i -> scores[i]).toArray();
    double mean = Arrays.stream(own).average().orElseThrow();
    double variance = Arrays.stream(own).map(s -> (s - mean) * (s - mean)).average().orElseThrow();
    return new Normalization(mean, Math.max(Math.sqrt(variance), 1e-6));
  }

  private static void requireGroups(GroupSplit.Part part, String name) {
    if (part.size() == 0) {
      throw new IllegalArgumentException(name + ": no groups (expected: labels from more files)");
    }
  }
}
