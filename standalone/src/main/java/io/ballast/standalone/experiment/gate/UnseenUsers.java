package io.ballast.standalone.experiment.gate;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.gate.GateEvidence;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.rl.preference.RankingMetrics;
import io.ballast.safety.adapter.XgboostGrower;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.GrownTrees;
import io.ballast.safety.core.gatefit.TreeGrower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What both stages say of each programmer, trained on all others: of those, every fifth says when
 * to stop and what a log-odds means.
 */
final class UnseenUsers {
  private static final TreeGrower.Options TREES = new TreeGrower.Options(200, 4, 0.05, 4, 1);
  private static final int FOLD = 5;
  private static final int DRAWS = 2_000;
  private static final double CONFIDENCE = 0.95;

  private final CoderecRows rows;
  private final Map<GateStage, double[]> said = new EnumMap<>(GateStage.class);

  /**
   * Trains 21 times two stages.
   *
   * @param progress told after each programmer
   */
  UnseenUsers(CoderecRows rows, Runnable progress) {
    this.rows = rows;
    for (GateStage stage : GateStage.values()) {
      said.put(stage, new double[rows.size()]);
    }
    List<String> users = rows.users();
    for (int left = 0; left < users.size(); left++) {
      String out = users.get(left);
      List<String> others = users.stream().filter(user -> !user.equals(out)).toList();
      int fold = left;
      List<String> validating =
          IntStream.range(0, others.size())
              .filter(i -> (i + fold) % FOLD == 0)
              .mapToObj(others::get)
              .toList();
      int[] unseen = of(List.of(out));
      int[] validation = of(validating);
      int[] train = of(others.stream().filter(user -> !validating.contains(user)).toList());
      for (GateStage stage : GateStage.values()) {
        GrownTrees trees =
            new XgboostGrower()
                .grow(rows.seenBy(stage, train), rows.seenBy(stage, validation), TREES);
        boolean[] kept = new boolean[validation.length];
        for (int i = 0; i < kept.length; i++) {
          kept[i] = rows.accepted(validation[i]);
        }
        PlattScaling scale = PlattScaling.fit(trees.logOdds(rows.seenBy(stage, validation)), kept);
        double[] logOdds = trees.logOdds(rows.seenBy(stage, unseen));
        for (int i = 0; i < unseen.length; i++) {
          of(stage)[unseen[i]] = scale.probability(logOdds[i]);
        }
      }
      progress.run();
    }
  }

  private int[] of(List<String> users) {
    return IntStream.range(0, rows.size()).filter(row -> users.contains(rows.user(row))).toArray();
  }

  /** The programmers. */
  List<String> users() {
    return rows.users();
  }

  /** Both stages' probabilities and the outcome, of some programmers. */
  List<GateExample> examples(List<String> users) {
    List<GateExample> examples = new ArrayList<>();
    for (int row : of(users)) {
      examples.add(
          new GateExample(
              of(GateStage.CONTEXT)[row], of(GateStage.SUGGESTION)[row], rows.accepted(row)));
    }
    return examples;
  }

  /** The same, programmer by programmer. */
  GateEvidence evidence(List<String> users) {
    return new GateEvidence.Groups(users.stream().map(user -> examples(List.of(user))).toList());
  }

  private double[] of(GateStage stage) {
    double[] found = said.get(stage);
    if (found == null) {
      throw new IllegalStateException("nothing said by " + stage);
    }
    return found;
  }

  /** The area under the curve of a stage; the interval draws programmers again. */
  Interval area(GateStage stage) {
    return drawnAgain(examples -> area(stage, examples));
  }

  /** How much more stage 2's area is than stage 1's; the interval draws programmers again. */
  Interval gain() {
    return drawnAgain(
        examples -> area(GateStage.SUGGESTION, examples) - area(GateStage.CONTEXT, examples));
  }

  private static double area(GateStage stage, List<GateExample> examples) {
    double[] values =
        examples.stream()
            .mapToDouble(e -> stage == GateStage.CONTEXT ? e.stageOne() : e.stageTwo())
            .toArray();
    boolean[] kept = new boolean[values.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = examples.get(i).accepted();
    }
    return RankingMetrics.auc(values, kept).orElse(0.5);
  }

  private Interval drawnAgain(ToDoubleFunction<List<GateExample>> figure) {
    List<String> users = users();
    List<List<GateExample>> byUser = users.stream().map(user -> examples(List.of(user))).toList();
    SplittableRandom random = new SplittableRandom(20_240_213);
    double[] drawn = new double[DRAWS];
    for (int d = 0; d < DRAWS; d++) {
      List<GateExample> sample = new ArrayList<>();
      for (int i = 0; i < users.size(); i++) {
        sample.addAll(byUser.get(random.nextInt(users.size())));
      }
      drawn[d] = figure.applyAsDouble(sample);
    }
    Arrays.sort(drawn);
    double estimate = figure.applyAsDouble(examples(users));
    int tail = (int) (DRAWS * (1 - CONFIDENCE) / 2);
    return new Interval(
        estimate,
        Math.min(estimate, drawn[tail]),
        Math.max(estimate, drawn[DRAWS - 1 - tail]),
        CONFIDENCE);
  }
}
