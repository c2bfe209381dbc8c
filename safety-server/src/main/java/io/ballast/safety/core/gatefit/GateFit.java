package io.ballast.safety.core.gatefit;

import io.ballast.rl.bandit.LoggedDecision;
import io.ballast.rl.bandit.OffPolicy;
import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateEvidence;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateGrid;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.rl.gate.MultipleTest;
import io.ballast.rl.preference.IsotonicRegression;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateStage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
    EqualChances chances = EqualChances.of(table, log);
    SplittableRandom random = new SplittableRandom(plan.seed());
    Rows train = new Rows(table, split.train(), row -> 1 / table.propensity(row));
    Rows calibration = of(table, chances.of(table, split.calibration(), random), "calibrate");
    Rows lines = of(table, chances.of(table, split.lines(), random), "draw the lines");
    Rows test = of(table, chances.of(table, split.test(), random), "measure");
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
              GateFigures.of(ofTest, test.kept()),
              GateFigures.reliability(ofTest, test.kept())));
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
            .choose(grid, evidence(said, lines, chances.whole(table)));
    return new FittedGate(
        table.featureSet(),
        stages,
        chosen,
        grid.rules().size(),
        GateCounts.of(chosen.served(), examples(said, test)),
        rejectedOfHidden(chosen.served(), test, examples(said, test)),
        new FittedGate.Sizes(train.part(), calibration.part(), lines.part(), test.part()),
        TrainedOn.of(
            Stream.of(split.train(), split.calibration(), split.lines())
                .flatMap(List::stream)
                .map(table::user)
                .collect(Collectors.toSet()),
            table.last()));
  }

  /** What decides; a bet on users is in an order that is neither the log's nor theirs. */
  private GateEvidence evidence(
      Map<GateStage, Map<Rows, double[]>> said, Rows rows, boolean whole) {
    List<GateExample> examples = examples(said, rows);
    return switch (plan.independent()) {
      case DECISION -> new GateEvidence.Decisions(examples);
      case GROUP -> {
        Map<String, List<GateExample>> byUser = new LinkedHashMap<>();
        for (int i = 0; i < examples.size(); i++) {
          byUser.computeIfAbsent(rows.user(i), user -> new ArrayList<>()).add(examples.get(i));
        }
        yield GateEvidence.Groups.shuffled(byUser, whole, plan.seed());
      }
    };
  }

  /** Of what the rule hides, the share that is rejected; its interval is by user. */
  private static OffPolicyEstimate rejectedOfHidden(
      CascadeRule rule, Rows rows, List<GateExample> examples) {
    List<LoggedDecision> hidden = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      hidden.add(
          LoggedDecision.unmodelled(
              rows.user(i),
              1,
              examples.get(i).accepted() ? 0 : 1,
              rule.hides(examples.get(i)) ? 1 : 0));
    }
    return OffPolicy.standard().selfNormalised(hidden);
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

  private static Rows of(GateTable table, List<Integer> rows, String purpose)
      throws UnusableLogException {
    IntPredicate kept = table::kept;
    long yes = rows.stream().filter(row -> kept.test(row)).count();
    if (yes == 0 || yes == rows.size()) {
      throw new UnusableLogException(
          "decisions to %s: %,d of the %,d that were shown with equal probability kept (expected: some, not all; a log in which the gate is not enforced says most)"
              .formatted(purpose, yes, rows.size()));
    }
    return new Rows(table, rows, row -> 1);
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

    String user(int index) {
      return table.user(rows.get(index));
    }

    FittedGate.Part part() {
      return new FittedGate.Part(size(), (int) rows.stream().map(table::user).distinct().count());
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
