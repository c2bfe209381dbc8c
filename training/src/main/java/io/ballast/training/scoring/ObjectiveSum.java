package io.ballast.training.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.training.data.SplitRule.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Makes one ensemble of several of K members that were trained by one objective each: member k's
 * score is the weighted sum of what the k-th of each say, standardised.
 *
 * <p>Shape letters: K members, N completions of a table, O objectives.
 */
public final class ObjectiveSum {
  private final List<Summand> objectives;

  /**
   * What was trained by one objective.
   *
   * @param name of the objective
   * @param weight of its standardised score in the sum
   * @param table what it was trained on: features as read, not standardised
   * @param split of the table
   * @param members K, as for all other objectives
   * @param model the members, normalised, calibrated and measured
   */
  public record Summand(
      String name,
      double weight,
      FeatureTable table,
      GroupSplit split,
      TrainedMembers members,
      ScoringModel model) {}

  /**
   * A sum.
   *
   * @param objectives at least one, of as many members, on one trunk
   * @throws IllegalArgumentException naming how many objectives or members there are
   */
  public ObjectiveSum(List<Summand> objectives) {
    this.objectives = List.copyOf(objectives);
    if (objectives.isEmpty()) {
      throw new IllegalArgumentException("objectives: none (expected: at least one)");
    }
    int count = objectives.getFirst().members().size();
    for (int o = 0; o < objectives.size(); o++) {
      int members = objectives.get(o).members().size();
      if (members != count) {
        throw new IllegalArgumentException(
            "objectives[%d].members: %d (expected: %d, as objectives[0] has)"
                .formatted(o, members, count));
      }
    }
  }

  /**
   * Returns the members that judge by all objectives. Their sums are normalised over the
   * completions that any of them learned from, and measured on the judgements of each objective
   * that trained nothing of it, under its name and a point; where its weight is below 0 their
   * negative is measured, so that high figures are good. Nothing calibrates them: nobody has
   * compared two sums.
   */
  public ScoringModel model() {
    List<double[][]> sums = objectives.stream().map(each -> sums(each.table())).toList();
    List<Normalization> normalizations = normalizations(sums);
    List<Map<String, Double>> members = new ArrayList<>();
    Map<String, Double> together = new TreeMap<>();
    for (int k = 0; k < normalizations.size(); k++) {
      members.add(new TreeMap<>());
    }
    for (int o = 0; o < objectives.size(); o++) {
      Summand objective = objectives.get(o);
      String prefix = prefix(objective.name());
      ScoringMetrics test =
          new ScoringMetrics(objective.table(), objective.split().groups(Part.TEST));
      EnsembleFigures figures = figures(objective, normalizations, sums.get(o));
      List<Map<String, Double>> ofMembers = figures.members(test);
      for (int k = 0; k < members.size(); k++) {
        Map<String, Double> all = members.get(k);
        ofMembers.get(k).forEach((name, value) -> all.put(prefix + name, value));
      }
      figures
          .ensemble(test, Optional.empty(), Map.of())
          .forEach((name, value) -> together.put(prefix + name, value));
    }
    ScoringSpec first = objectives.getFirst().model().spec();
    return new ScoringModel(
        new ScoringSpec(
            first.kind(),
            first.features(),
            first.hiddenWidth(),
            first.activation(),
            first.trunk(),
            first.promptTokens(),
            first.ownBlocks(),
            normalizations,
            List.of(),
            Optional.empty(),
            members,
            together,
            objectives.stream().map(ObjectiveSum::described).toList()),
        heads());
  }

  /** Returns the figures of sums on the judgements of one objective, without its name. */
  public static Map<String, Double> figures(Map<String, Double> heldOut, String objective) {
    String prefix = prefix(objective);
    Map<String, Double> figures = new TreeMap<>();
    heldOut.forEach(
        (name, value) -> {
          if (name.startsWith(prefix)) {
            figures.put(name.substring(prefix.length()), value);
          }
        });
    return figures;
  }

  private static String prefix(String objective) {
    return objective + ".";
  }

  /** The lowest normalised sum is the cautious one; of its negative that is the highest. */
  private static EnsembleFigures figures(
      Summand objective, List<Normalization> normalizations, double[][] sums) {
    boolean less = objective.weight() < 0;
    return new EnsembleFigures(
        objective.model().spec().kind(),
        less
            ? normalizations.stream().map(n -> new Normalization(-n.mean(), n.std())).toList()
            : normalizations,
        less
            ? Arrays.stream(sums).map(each -> Arrays.stream(each).map(s -> -s).toArray()).toList()
            : List.of(sums),
        less);
  }

  private static ScoringObjective described(Summand objective) {
    ScoringSpec spec = objective.model().spec();
    return new ScoringObjective(
        objective.name(),
        objective.weight(),
        spec.normalizations(),
        spec.inverseTemperatures(),
        spec.calibration(),
        spec.heldOutMembers(),
        spec.heldOut());
  }

  /** What each member says of each completion of a table, shape [K][N]. */
  private double[][] sums(FeatureTable table) {
    double[][] sums = new double[objectives.getFirst().members().size()][table.size()];
    for (Summand objective : objectives) {
      double[][] each = objective.members().normalized(table);
      for (int k = 0; k < sums.length; k++) {
        for (int i = 0; i < sums[k].length; i++) {
          sums[k][i] += objective.weight() * each[k][i];
        }
      }
    }
    return sums;
  }

  private List<Normalization> normalizations(List<double[][]> sums) {
    List<int[]> learned = learned();
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < objectives.getFirst().members().size(); k++) {
      DoubleStream.Builder ofMember = DoubleStream.builder();
      for (int o = 0; o < objectives.size(); o++) {
        double[] ofTable = sums.get(o)[k];
        Arrays.stream(learned.get(o)).forEach(i -> ofMember.add(ofTable[i]));
      }
      normalizations.add(MemberTrainer.normalization(ofMember.build().toArray()));
    }
    return normalizations;
  }

  /** A completion of a prompt, as the trunk reads them. */
  private record Text(TokenIds prompt, TokenIds completion) {}

  /**
   * The completions of each table that were learned from, without those that an earlier table has:
   * what several objectives judge counts once.
   */
  private List<int[]> learned() {
    Set<Text> before = new HashSet<>();
    List<int[]> learned = new ArrayList<>();
    for (Summand objective : objectives) {
      FeatureTable table = objective.table();
      List<Text> texts = new ArrayList<>();
      IntStream.Builder own = IntStream.builder();
      for (int g : objective.split().groups(Part.TRAIN)) {
        JudgedGroup group = table.group(g);
        for (int i = 0; i < group.completions().size(); i++) {
          Text text = new Text(group.prompt(), group.completions().get(i));
          texts.add(text);
          if (!before.contains(text)) {
            own.add(table.start(g) + i);
          }
        }
      }
      before.addAll(texts);
      learned.add(own.build().toArray());
    }
    return learned;
  }

  /** Head k·O + o is member k's by objective o, all over the features as the first has them. */
  private ScoringHeads heads() {
    ScoringHeads first = objectives.getFirst().model().heads();
    List<List<Head>> byObjective =
        objectives.stream()
            .map(each -> each.model().heads().over(first.featureMean(), first.featureStd()).heads())
            .toList();
    List<Head> heads = new ArrayList<>();
    for (int k = 0; k < first.size(); k++) {
      for (List<Head> ofObjective : byObjective) {
        heads.add(ofObjective.get(k));
      }
    }
    return new ScoringHeads(first.featureMean(), first.featureStd(), heads);
  }
}
