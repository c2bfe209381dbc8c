package io.ballast.workshop.gate;

import io.ballast.rl.gate.BinaryEntropy;
import io.ballast.rl.gate.GateEvidence;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateThresholds;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.rl.preference.RankingMetrics;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.safety.adapter.XgboostGrower;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.GateFigures;
import io.ballast.safety.core.gatefit.GrownTrees;
import io.ballast.safety.core.gatefit.TreeGrower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Trains both stages of the display gate and draws their lines together: trees on some files, when
 * to stop and what a log-odds means on others, the thresholds on others again; all of it is
 * measured on the rest.
 */
final class GateTrainer {
  private static final int TRAIN_END = 55;
  private static final int CALIBRATION_END = 70;
  private static final int THRESHOLDS_END = 85;

  /** Stage 1 is sure at most of the positions below these shares of its predictions. */
  private static final double[] SURE_SHARES = {
    0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6
  };

  /**
   * What the gate must keep to.
   *
   * @param targetAccuracy ρ: at least this share of what is withheld would have been rejected
   * @param referCost λ: a generation against a needless display, 0 to 1
   * @param delta of the lower bound of that share; α where it is proven
   * @param method how lines are drawn
   * @param explorationShare of what would be withheld and is shown
   * @param trees how trees are grown
   * @param seed of the split
   */
  record Plan(
      double targetAccuracy,
      double referCost,
      double delta,
      DrawnLines.Method method,
      double explorationShare,
      TreeGrower.Options trees,
      long seed) {}

  /**
   * A trained stage.
   *
   * @param spec what its folder says
   * @param trees what decides
   * @param reliability of its probabilities on files that trained nothing
   */
  record Stage(GateSpec spec, GrownTrees trees, ReliabilityBins reliability) {}

  /**
   * Both stages.
   *
   * @param stages by stage
   * @param lines where the stages withhold
   * @param cascade both stages together on files that trained nothing, by name
   * @param sizes what was used for what
   */
  record Trained(
      Map<GateStage, Stage> stages, DrawnLines lines, Map<String, Double> cascade, Sizes sizes) {
    /** A stage. */
    Stage stage(GateStage stage) {
      Stage found = stages.get(stage);
      if (found == null) {
        throw new IllegalArgumentException("stage " + stage + ": not trained");
      }
      return found;
    }
  }

  /**
   * How many suggestions were used for what.
   *
   * @param train to grow trees
   * @param calibration to stop and calibrate
   * @param thresholds to draw the lines
   * @param test to measure
   * @param positions of all of them
   */
  record Sizes(Part train, Part calibration, Part thresholds, Part test, int positions) {}

  /**
   * A part.
   *
   * @param suggestions in it
   * @param files that they are of
   */
  record Part(int suggestions, int files) {}

  private final Plan plan;
  private final Consumer<String> log;

  GateTrainer(Plan plan, Consumer<String> log) {
    this.plan = plan;
    this.log = log;
  }

  /**
   * Trains.
   *
   * @param share which hundredth a file is in
   * @throws IllegalArgumentException if a part of the files has no suggestion of either outcome
   */
  Trained train(GateRows table, GateRows.FileShare share) {
    int[] train = rows(table, share, 0, TRAIN_END, "training");
    int[] calibration = rows(table, share, TRAIN_END, CALIBRATION_END, "calibration");
    int[] thresholds = rows(table, share, CALIBRATION_END, THRESHOLDS_END, "thresholds");
    int[] test = rows(table, share, THRESHOLDS_END, 100, "measurement");
    Map<GateStage, GrownTrees> trees = new EnumMap<>(GateStage.class);
    Map<GateStage, PlattScaling> scalings = new EnumMap<>(GateStage.class);
    Map<GateStage, double[]> probabilities = new EnumMap<>(GateStage.class);
    for (GateStage stage : GateStage.values()) {
      GrownTrees trained =
          new XgboostGrower()
              .grow(table.examples(stage, train), table.examples(stage, calibration), plan.trees());
      double[] logOdds =
          trained.logOdds(table.examples(stage, IntStream.range(0, table.size()).toArray()));
      PlattScaling scaling = PlattScaling.fit(of(logOdds, calibration), kept(table, calibration));
      trees.put(stage, trained);
      scalings.put(stage, scaling);
      probabilities.put(stage, Arrays.stream(logOdds).map(scaling::probability).toArray());
      log.accept(
          String.format(
              Locale.ROOT,
              "stage %s: %d trees, validation loss %.4f",
              stage,
              trained.count(),
              trained.validationLoss()));
    }
    double[] first = probabilities(probabilities, GateStage.CONTEXT);
    double[] second = probabilities(probabilities, GateStage.SUGGESTION);
    DrawnLines drawn =
        switch (plan.method()) {
          case ENUMERATION ->
              DrawnLines.enumerated(
                  plan,
                  examples(table, thresholds, first, second),
                  referEntropies(thresholds, first));
          case LEARN_THEN_TEST ->
              DrawnLines.certified(
                  plan,
                  examples(table, calibration, first, second),
                  byFile(table, thresholds, first, second, plan.seed()));
        };
    GateThresholds lines = drawn.rule().thresholds();
    Map<String, Double> cascade = new GateReport(table, test).of(drawn.rule(), first, second);
    Map<GateStage, Stage> stages = new EnumMap<>(GateStage.class);
    trees.forEach(
        (stage, trained) -> {
          double[] own = probabilities(probabilities, stage);
          PlattScaling scaling = scalings.get(stage);
          if (scaling == null) {
            throw new IllegalStateException("no calibration of " + stage);
          }
          GateSpec spec =
              GateSpec.of(
                      stage,
                      new GateCalibration.Platt(scaling),
                      stage == GateStage.CONTEXT ? lines.stageOne() : lines.stageTwo(),
                      stage == GateStage.CONTEXT ? lines.referEntropyBits() : 0,
                      plan.explorationShare(),
                      figures(stage, table, test, own))
                  .on(table.featureSet(), table.sometimesMissing(stage, train))
                  .read(drawn.rule().secondLook(), drawn.guarantee());
          stages.put(
              stage,
              new Stage(spec, trained, GateFigures.reliability(of(own, test), kept(table, test))));
        });
    Sizes sizes =
        new Sizes(
            part(table, train),
            part(table, calibration),
            part(table, thresholds),
            part(table, test),
            table.positions());
    return new Trained(stages, drawn, cascade, sizes);
  }

  private static Part part(GateRows table, int[] rows) {
    return new Part(rows.length, table.files(rows));
  }

  private static List<GateExample> examples(
      GateRows table, int[] rows, double[] first, double[] second) {
    List<GateExample> examples = new ArrayList<>();
    for (int row : rows) {
      examples.add(new GateExample(first[row], second[row], table.kept(row)));
    }
    return examples;
  }

  /**
   * The examples of each file: one programmer wrote all, and files are what is independent. Labels
   * are in the order of artefacts, which must not be that of the bets.
   */
  private static GateEvidence byFile(
      GateRows table, int[] rows, double[] first, double[] second, long seed) {
    Map<String, List<GateExample>> byFile = new LinkedHashMap<>();
    for (int row : rows) {
      byFile
          .computeIfAbsent(table.file(table.position(row)), file -> new ArrayList<>())
          .add(new GateExample(first[row], second[row], table.kept(row)));
    }
    return GateEvidence.Groups.shuffled(byFile, true, seed);
  }

  private static double[] referEntropies(int[] rows, double[] first) {
    // below one half a lower probability is a surer one: stage 1 is sure below the refer entropy
    double[] sorted = Arrays.stream(of(first, rows)).filter(p -> p < 0.5).sorted().toArray();
    return Arrays.stream(SURE_SHARES)
        .map(
            quantile -> {
              int index = (int) (quantile * rows.length);
              return index == 0 || index >= sorted.length ? 0 : BinaryEntropy.bits(sorted[index]);
            })
        .distinct()
        .toArray();
  }

  private static Map<String, Double> figures(
      GateStage stage, GateRows table, int[] test, double[] probabilities) {
    boolean[] kept = kept(table, test);
    double[] own = of(probabilities, test);
    Map<String, Double> figures = GateFigures.of(own, kept);
    for (String baseline : baselines(stage)) {
      int column = table.featureSet().names(stage).indexOf(baseline);
      double[] values =
          Arrays.stream(test).mapToDouble(row -> table.features(stage, row)[column]).toArray();
      double area = RankingMetrics.auc(values, kept).orElseThrow();
      figures.put("baseline_" + baseline + "_auc", Math.max(area, 1 - area));
    }
    return figures;
  }

  /** Single numbers that need no training; either direction counts. */
  static List<String> baselines(GateStage stage) {
    return switch (stage) {
      case CONTEXT -> List.of("line_characters", "word_characters");
      case SUGGESTION -> List.of("log_prob_mean", "log_prob_sum", "suggestion_characters");
    };
  }

  private static int[] rows(
      GateRows table, GateRows.FileShare share, int from, int to, String purpose) {
    int[] rows = table.rows(share, from, to);
    long kept = Arrays.stream(rows).filter(table::kept).count();
    if (kept == 0 || kept == rows.length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %,d of %,d suggestions kept (expected: some, not all; collect from more files)",
              purpose,
              kept,
              rows.length));
    }
    return rows;
  }

  private static double[] probabilities(Map<GateStage, double[]> all, GateStage stage) {
    double[] found = all.get(stage);
    if (found == null) {
      throw new IllegalStateException("no probabilities of " + stage);
    }
    return found;
  }

  private static double[] of(double[] values, int[] rows) {
    return Arrays.stream(rows).mapToDouble(row -> values[row]).toArray();
  }

  private static boolean[] kept(GateRows table, int[] rows) {
    boolean[] kept = new boolean[rows.length];
    for (int i = 0; i < rows.length; i++) {
      kept[i] = table.kept(rows[i]);
    }
    return kept;
  }
}
