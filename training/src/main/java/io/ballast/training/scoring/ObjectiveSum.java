package io.ballast.training.scoring;

import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.training.data.SplitRule.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.DoubleStream;

/**
 * Makes one ensemble of several of K members that were trained by one objective each: member k's
 * score is the weighted sum of what the k-th of each say, standardised.
 *
 * <p>Shape letters: K members, N completions of a table, O objectives.
 */
public final class ObjectiveSum {
  private final List<Trained> objectives;

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
  public record Trained(
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
   */
  public ObjectiveSum(List<Trained> objectives) {
    this.objectives = List.copyOf(objectives);
  }

  /**
   * Returns the members that judge by all objectives. Their sums are normalised over the
   * completions that any of them learned from, and measured on the judgements of each objective
   * that trained nothing of it, under its name and a point. Nothing calibrates them: nobody has
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
      Trained objective = objectives.get(o);
      String prefix = objective.name() + ".";
      ScoringMetrics test =
          new ScoringMetrics(objective.table(), objective.split().groups(Part.TEST));
      EnsembleFigures figures =
          new EnsembleFigures(
              objective.model().spec().kind(), normalizations, List.of(sums.get(o)));
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

  private static ScoringObjective described(Trained objective) {
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
    for (Trained objective : objectives) {
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
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < objectives.getFirst().members().size(); k++) {
      DoubleStream.Builder learned = DoubleStream.builder();
      for (int o = 0; o < objectives.size(); o++) {
        double[] ofMember = sums.get(o)[k];
        Arrays.stream(objectives.get(o).split().groups(Part.TRAIN))
            .flatMap(objectives.get(o).table()::completions)
            .forEach(i -> learned.add(ofMember[i]));
      }
      normalizations.add(MemberTrainer.normalization(learned.build().toArray()));
    }
    return normalizations;
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
