package io.ballast.training.scoring;

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
import io.ballast.training.data.SplitRule.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Trains the heads of one scoring folder, each from its own first weights and in its own order;
 * then normalises, calibrates and measures them.
 */
public final class EnsembleTrainer {
  /**
   * What to train.
   *
   * @param kind of the folder
   * @param heads K
   * @param loss of a member
   * @param bootstrap whether each member has its own draw of the groups, with replacement; else all
   *     have the same, in another order
   * @param promptTokens the most prompt tokens, the last ones, that the features were read with; 0:
   *     all; empty: it is not said
   * @param seed of draws, order and first weights
   */
  public record Plan(
      ScoringKind kind,
      int heads,
      GroupLoss loss,
      boolean bootstrap,
      OptionalInt promptTokens,
      long seed,
      HeadTrainer.Options options) {}

  private final Plan plan;
  private final List<ScoringFeature> features;
  private final int hiddenSize;
  private final TrunkReference trunk;
  private final Consumer<String> log;

  /**
   * A trainer of heads.
   *
   * @param features what the heads see, in order
   * @param hiddenSize of the trunk
   * @param trunk what the heads stand on
   * @param log told a line now and then
   */
  public EnsembleTrainer(
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
   * @param apart those groups of the test that are measured by themselves too, under "as_text_";
   *     may be empty
   * @throws IllegalArgumentException if a part of the split has no groups
   */
  public ScoringModel train(FeatureTable table, GroupSplit split, int[] apart) {
    for (Part part : Part.values()) {
      if (split.size(part) == 0) {
        throw new IllegalArgumentException(
            "%s: no groups (expected: judgements under more keys)"
                .formatted(part.name().toLowerCase(Locale.ROOT)));
      }
    }
    int[] train = split.groups(Part.TRAIN);
    int[] validation = split.groups(Part.VALIDATION);
    float[] mean = table.mean(train);
    float[] std = table.std(train, mean);
    FeatureTable standard = table.standardized(mean, std);
    List<Head> heads = new ArrayList<>();
    List<double[]> scores = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < plan.heads(); k++) {
      RandomGenerator random =
          RandomGeneratorFactory.of("L64X128MixRandom").create(plan.seed() * 1_000 + k);
      TrainedHead trained =
          head(
              standard,
              plan.bootstrap() ? HeadTrainer.bootstrap(train, random) : train,
              validation,
              random);
      heads.add(trained.head().head());
      double[] raw = trained.head().scores(standard);
      scores.add(raw);
      normalizations.add(normalization(standard, train, raw));
      log.accept(
          String.format(
              Locale.ROOT,
              "head %d: %s, validation loss %.4f",
              k,
              trained.how(),
              trained.validationLoss()));
    }
    EnsembleFigures figures = new EnsembleFigures(plan.kind(), normalizations, scores);
    Calibration calibration = figures.calibrate(new ScoringMetrics(standard, validation));
    ScoringMetrics test = new ScoringMetrics(standard, split.groups(Part.TEST));
    List<Map<String, Double>> members = figures.members(test);
    Map<String, Double> ensemble = figures.ensemble(test, calibration, baselines(table));
    if (apart.length > 0) {
      figures.subset(ensemble, "as_text_", new ScoringMetrics(standard, apart));
    }
    ScoringSpec spec =
        new ScoringSpec(
            plan.kind(),
            features,
            plan.options().hiddenWidth(),
            HeadActivation.TANH,
            trunk,
            plan.promptTokens(),
            normalizations,
            calibration,
            members,
            ensemble);
    return new ScoringModel(spec, new ScoringHeads(mean, std, heads));
  }

  private TrainedHead head(
      FeatureTable standard, int[] train, int[] validation, RandomGenerator random) {
    return switch (plan.options().form()) {
      case LAYERED ->
          new HeadTrainer(plan.options(), standard, plan.loss()).train(train, validation, random);
      case LINEAR ->
          new LinearHeadTrainer(plan.options(), standard, plan.loss())
              .train(train, validation, random);
    };
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
}
