package io.ballast.safety.core.gatefit;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateGrid;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.rl.gate.MultipleTest;
import io.ballast.rl.preference.Calibration;
import io.ballast.rl.preference.IsotonicRegression;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.rl.preference.RankingMetrics;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateStage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Makes both stages of a gate and draws their lines together: trees on some users, when to stop and
 * what a log-odds means on others, the lines on others again; all of it is measured on the rest.
 *
 * <p>A gate in force shows what it would hide only by exploration, so that a log of it has few of
 * what matters most. Trees see each example as often as it is rare, 1/propensity; where
 * probabilities are fitted, lines are decided and figures are measured, examples are thinned until
 * all are there with the same probability, so that what is said of them is exact.
 */
public final class GateFit {
  /** Shares of its predictions below which a stage may hide. */
  private static final double[] LINE_SHARES = {
    0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7
  };

  /** Shares of the positions at which stage 1 may decide alone. */
  private static final double[] SURE_SHARES = {0, 0.1, 0.25, 0.5};

  private static final int BINS = 10;
  private static final double CONFIDENCE = 0.95;

  private final GatePlan plan;
  private final TreeGrower grower;
  private final Consumer<String> log;

  /**
   * A fit.
   *
   * @param log is told what was done, a line each
   */
  public GateFit(GatePlan plan, TreeGrower grower, Consumer<String> log) {
    this.plan = plan;
    this.grower = grower;
    this.log = log;
  }

  /**
   * Makes a gate.
   *
   * @throws UnusableLogException if there are too few examples, or only one outcome or user
   */
  public FittedGate fit(GateTable table) throws UnusableLogException {
    GateSplit split = GateSplit.of(table, plan.seed());
    SplittableRandom random = new SplittableRandom(plan.seed());
    Rows train = new Rows(table, split.train(), row -> 1 / table.propensity(row));
    Rows calibration = thinned(table, split.calibration(), "calibrate", random);
    Rows lines = oneOfEach(thinned(table, split.lines(), "draw the lines", random), random);
    Rows test = thinned(table, split.test(), "measure", random);
    Map<GateStage, FittedGate.Stage> stages = new EnumMap<>(GateStage.class);
    Map<GateStage, Map<Rows, double[]>> said = new EnumMap<>(GateStage.class);
    for (GateStage stage : GateStage.values()) {
      GrownTrees trees = grower.grow(train.seenBy(stage), calibration.seenBy(stage), plan.trees());
      GateCalibration scale =
          calibration(trees.logOdds(calibration.seenBy(stage)), calibration.kept());
      Map<Rows, double[]> probabilities = new LinkedHashMap<>();
      for (Rows rows : List.of(calibration, lines, test)) {
        double[] logOdds = trees.logOdds(rows.seenBy(stage));
        probabilities.put(rows, Arrays.stream(logOdds).map(scale::probability).toArray());
      }
      said.put(stage, probabilities);
      double[] ofTest = of(said, stage, test);
      stages.put(
          stage,
          new FittedGate.Stage(
              trees,
              scale,
              table.sometimesMissing(stage, train.indices()),
              figures(ofTest, test.kept()),
              ReliabilityBins.of(ofTest, test.kept(), BINS, CONFIDENCE)));
      log.accept(
          String.format(
              Locale.ROOT,
              "stage %d: %d trees, validation loss %.4f",
              stage.ordinal() + 1,
              trees.count(),
              trees.validationLoss()));
    }
    GateGrid grid =
        GateGrid.of(
            examples(said, calibration),
            SURE_SHARES,
            LINE_SHARES,
            plan.readings(),
            plan.targetAccuracy());
    CertifiedGate chosen =
        new LearnThenTest(
                plan.targetAccuracy(), plan.alpha(), new MultipleTest.FixedSequence(1), plan.aim())
            .choose(grid, examples(said, lines));
    CascadeRule rule =
        switch (chosen) {
          case CertifiedGate.Certified found -> found.rule();
          case CertifiedGate.Infeasible none -> CascadeRule.open();
        };
    Optional<GateGuarantee> guarantee =
        switch (chosen) {
          case CertifiedGate.Certified found -> Optional.of(found.guarantee());
          case CertifiedGate.Infeasible none -> Optional.empty();
        };
    return new FittedGate(
        table.featureSet(),
        stages,
        rule,
        guarantee,
        grid.rules().size(),
        GateCounts.of(rule, examples(said, test)),
        new FittedGate.Sizes(
            train.size(), calibration.size(), lines.size(), test.size(), table.users().size()));
  }

  private GateCalibration calibration(double[] logOdds, boolean[] kept) {
    return switch (plan.calibration()) {
      case PLATT -> new GateCalibration.Platt(PlattScaling.fit(logOdds, kept));
      case ISOTONIC -> new GateCalibration.Isotonic(IsotonicRegression.fit(logOdds, kept));
    };
  }

  private static double[] of(Map<GateStage, Map<Rows, double[]>> said, GateStage stage, Rows rows) {
    double[] found = said.getOrDefault(stage, Map.of()).get(rows);
    if (found == null) {
      throw new IllegalStateException("no probabilities of " + stage);
    }
    return found;
  }

  private static List<GateExample> examples(Map<GateStage, Map<Rows, double[]>> said, Rows rows) {
    double[] one = of(said, GateStage.CONTEXT, rows);
    double[] two = of(said, GateStage.SUGGESTION, rows);
    boolean[] kept = rows.kept();
    return IntStream.range(0, rows.size())
        .mapToObj(i -> new GateExample(one[i], two[i], kept[i]))
        .toList();
  }

  private static Map<String, Double> figures(double[] probabilities, boolean[] kept) {
    Map<String, Double> figures = new TreeMap<>();
    RankingMetrics.auc(probabilities, kept).ifPresent(auc -> figures.put("auc", auc));
    figures.put("calibration_error", Calibration.expectedError(probabilities, kept, BINS));
    figures.put("brier", Calibration.brier(probabilities, kept));
    long yes = IntStream.range(0, kept.length).filter(i -> kept[i]).count();
    figures.put("base_rate", (double) yes / kept.length);
    figures.put("suggestions", (double) kept.length);
    return figures;
  }

  /** Keeps each with probability least/own propensity: then all were shown equally likely. */
  private Rows thinned(GateTable table, List<Integer> rows, String purpose, SplittableRandom random)
      throws UnusableLogException {
    double least = rows.stream().mapToDouble(table::propensity).min().orElse(1);
    List<Integer> left = new ArrayList<>();
    for (int row : rows) {
      if (random.nextDouble() * table.propensity(row) < least) {
        left.add(row);
      }
    }
    IntPredicate kept = table::kept;
    long yes = left.stream().filter(row -> kept.test(row)).count();
    if (yes == 0 || yes == left.size()) {
      throw new UnusableLogException(
          "decisions to %s: %,d of the %,d that were shown with equal probability kept (expected: some, not all; a log in which the gate is not enforced says most)"
              .formatted(purpose, yes, left.size()));
    }
    if (left.size() < rows.size()) {
      log.accept(
          String.format(
              Locale.ROOT,
              "to %s: %,d of %,d decisions, since the gate in force showed them with different"
                  + " probabilities",
              purpose,
              left.size(),
              rows.size()));
    }
    return new Rows(table, left, row -> 1);
  }

  /** One example of each position: those of one are alike, and would count as many. */
  private static Rows oneOfEach(Rows rows, SplittableRandom random) {
    Map<String, List<Integer>> byPlace = new LinkedHashMap<>();
    for (int row : rows.rows()) {
      byPlace.computeIfAbsent(rows.table().place(row), place -> new ArrayList<>()).add(row);
    }
    return new Rows(
        rows.table(),
        byPlace.values().stream().map(alike -> alike.get(random.nextInt(alike.size()))).toList(),
        rows.weight());
  }

  /**
   * Some rows of a table.
   *
   * @param weight how much a row counts: what was thinned counts alike, its rarity being gone
   */
  private record Rows(GateTable table, List<Integer> rows, IntToDoubleFunction weight) {
    int size() {
      return rows.size();
    }

    int[] indices() {
      return rows.stream().mapToInt(Integer::intValue).toArray();
    }

    boolean[] kept() {
      boolean[] kept = new boolean[rows.size()];
      for (int i = 0; i < kept.length; i++) {
        kept[i] = table.kept(rows.get(i));
      }
      return kept;
    }

    TreeGrower.Examples seenBy(GateStage stage) {
      return new TreeGrower.Examples() {
        @Override
        public int size() {
          return rows.size();
        }

        @Override
        public float[] features(int index) {
          return table.features(stage, rows.get(index));
        }

        @Override
        public boolean yes(int index) {
          return table.kept(rows.get(index));
        }

        @Override
        public double weight(int index) {
          return weight.applyAsDouble(rows.get(index));
        }
      };
    }
  }
}
