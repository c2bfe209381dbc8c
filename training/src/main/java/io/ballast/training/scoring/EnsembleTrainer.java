package io.ballast.training.scoring;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.CostBoundary;
import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.training.data.SplitRule.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

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
   * @param centring of the trained scores
   * @param boundary that costs have then; empty of rewards
   */
  public record Plan(
      ScoringKind kind,
      int heads,
      GroupLoss loss,
      boolean bootstrap,
      OptionalInt promptTokens,
      long seed,
      HeadTrainer.Options options,
      Centring centring,
      Optional<CostBoundary> boundary) {
    /** Whose zero is where the loss put it; of costs it is the boundary. */
    public Plan(
        ScoringKind kind,
        int heads,
        GroupLoss loss,
        boolean bootstrap,
        OptionalInt promptTokens,
        long seed,
        HeadTrainer.Options options) {
      this(
          kind,
          heads,
          loss,
          bootstrap,
          promptTokens,
          seed,
          options,
          Centring.AS_TRAINED,
          kind == ScoringKind.COST ? Optional.of(CostBoundary.ZERO) : Optional.empty());
    }
  }

  private final Plan plan;
  private final List<ScoringFeature> features;
  private final int hiddenSize;
  private final TrunkReference trunk;
  private final Consumer<String> log;
  private final Runnable beforePass;

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
    this(plan, features, hiddenSize, trunk, log, () -> {});
  }

  /**
   * A trainer of heads.
   *
   * @param features what the heads see, in order
   * @param hiddenSize of the trunk
   * @param trunk what the heads stand on
   * @param log told a line now and then
   * @param beforePass runs before each pass over the groups; may wait, and what it throws ends the
   *     training
   */
  public EnsembleTrainer(
      Plan plan,
      List<ScoringFeature> features,
      int hiddenSize,
      TrunkReference trunk,
      Consumer<String> log,
      Runnable beforePass) {
    this.plan = plan;
    this.features = features;
    this.hiddenSize = hiddenSize;
    this.trunk = trunk;
    this.log = log;
    this.beforePass = beforePass;
  }

  /**
   * Returns the trained model with its held-out figures.
   *
   * @param table features as read, not standardised
   * @param apart those groups of the test that are measured by themselves too, under "as_text_";
   *     may be empty
   * @throws IllegalArgumentException if a part of the split has no groups
   * @throws NoBoundaryException if scores were to be centred on a boundary that is not there
   */
  public ScoringModel train(FeatureTable table, GroupSplit split, int[] apart) {
    TrainedMembers trained = members(table, split);
    return measured(trained, table, features, 0, split, apart, baselines(table), false);
  }

  /**
   * Returns the trained members, without figures.
   *
   * @param table features as read, not standardised
   * @throws IllegalArgumentException if a part of the split has no groups
   */
  public TrainedMembers members(FeatureTable table, GroupSplit split) {
    requireParts(split);
    return centred(members().train(table, split), table, split);
  }

  private TrainedMembers centred(TrainedMembers trained, FeatureTable table, GroupSplit split) {
    if (plan.centring() == Centring.AS_TRAINED) {
      return trained;
    }
    FeatureTable standard = trained.standardized(table);
    return trained.shifted(
        plan.centring()
            .shifts(
                List.of(trained.raw(standard)),
                trained.normalizations(),
                new ScoringMetrics(standard, split.groups(Part.VALIDATION))));
  }

  /**
   * Returns the trained model of members with blocks of their own, which are written to the files
   * that {@code own} names; they see the features that need no likelihoods.
   *
   * @param table features as the trunk itself has them, not standardised
   * @throws IllegalArgumentException if a part of the split has no groups
   * @throws NoBoundaryException as the other
   */
  public ScoringModel train(FeatureTable table, GroupSplit split, OwnBlocks own) {
    requireParts(split);
    List<ScoringFeature> seen = ScoringFeature.withoutLikelihoods();
    FeatureTable states = table.only(features, seen, hiddenSize);
    TrainedMembers trained =
        members()
            .train(
                states,
                split,
                (standard, mean, std) ->
                    new BlockTrainer(
                        plan.options(), plan.loss(), own, standard, mean, std, beforePass));
    return measured(
        centred(trained, states, split),
        states,
        seen,
        own.count(),
        split,
        new int[0],
        baselines(table),
        false);
  }

  private static void requireParts(GroupSplit split) {
    for (Part part : Part.values()) {
      MemberTrainer.require(split, part);
    }
  }

  private MemberTrainer members() {
    return new MemberTrainer(
        new MemberTrainer.Plan(
            plan.heads(), plan.loss(), plan.bootstrap(), plan.seed(), plan.options()),
        log,
        beforePass);
  }

  /**
   * Returns trained members as a model with its held-out figures.
   *
   * @param trained on {@code table} and {@code split}, as the plan says
   * @param apart as in {@link #train}
   */
  public ScoringModel measured(
      TrainedMembers trained, FeatureTable table, GroupSplit split, int[] apart) {
    return measured(trained, table, features, 0, split, apart, baselines(table), false);
  }

  /**
   * Returns trained members as a model with its held-out figures, where there shall be less of what
   * they score: the cautious one is the highest.
   *
   * @param trained on {@code table} and {@code split}, as the plan says
   */
  public ScoringModel measuredForLess(
      TrainedMembers trained, FeatureTable table, GroupSplit split) {
    return measured(trained, table, features, 0, split, new int[0], baselines(table), true);
  }

  private ScoringModel measured(
      TrainedMembers trained,
      FeatureTable table,
      List<ScoringFeature> seen,
      int ownBlocks,
      GroupSplit split,
      int[] apart,
      Map<String, double[]> baselines,
      boolean less) {
    int[] validation = split.groups(Part.VALIDATION);
    FeatureTable standard = trained.standardized(table);
    List<double[]> scores = List.of(trained.raw(standard));
    EnsembleFigures figures =
        new EnsembleFigures(plan.kind(), trained.normalizations(), scores, less);
    ScoringMetrics unseen = new ScoringMetrics(standard, validation);
    boolean bounded = plan.boundary().map(at -> at != CostBoundary.NONE).orElse(true);
    Optional<Calibration> calibration = bounded ? figures.calibrate(unseen) : Optional.empty();
    ScoringMetrics test = new ScoringMetrics(standard, split.groups(Part.TEST));
    List<Map<String, Double>> members = figures.members(test);
    Map<String, Double> ensemble = figures.ensemble(test, calibration, baselines);
    if (plan.boundary().filter(at -> at == CostBoundary.ZERO).isPresent()) {
      figures.sign(ensemble, test);
    }
    if (apart.length > 0) {
      figures.subset(ensemble, "as_text_", new ScoringMetrics(standard, apart));
    }
    ScoringSpec spec =
        new ScoringSpec(
            plan.kind(),
            seen,
            plan.options().hiddenWidth(),
            HeadActivation.TANH,
            trunk,
            plan.promptTokens(),
            ownBlocks,
            trained.normalizations(),
            figures.inverseTemperatures(unseen),
            calibration,
            members,
            ensemble,
            List.of(),
            plan.boundary().map(at -> new CostScale(at, figures.reliability(test, calibration))));
    return new ScoringModel(spec, trained.heads());
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
}
