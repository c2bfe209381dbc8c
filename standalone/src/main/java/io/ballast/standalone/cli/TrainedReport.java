package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.onnx.ReliabilityBin;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.call.Texts;
import io.ballast.training.data.BadRow;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.scoring.EnsembleFigures;
import io.ballast.training.scoring.ObjectiveSum;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Shows what came of a training. */
final class TrainedReport {
  private static final int SHOWN_BAD_ROWS = 5;

  private final Printing printing;

  TrainedReport(Printing printing) {
    this.printing = printing;
  }

  /**
   * What came of it.
   *
   * @param folder where it lies on this machine; empty if that is not known
   * @param facts what was trained on and how, by name, in order
   * @param members the held-out figures of each
   * @param ensemble those of all together
   * @param cost what the scores of a cost say of harm; empty of rewards
   * @param objectives those that members judge by; none if they judge by one that has no name
   * @param bad the first of the rows that were left out
   * @param badCount how many were
   */
  record Summary(
      String name,
      String version,
      String folder,
      Map<String, String> facts,
      List<Map<String, Double>> members,
      Map<String, Double> ensemble,
      Optional<CostScale> cost,
      List<Objective> objectives,
      List<BadRow> bad,
      long badCount) {
    /** Of a version that was published here. */
    static Summary of(
        StoredModel published, RewardTraining.Trained trained, RewardData judgements) {
      List<BadRow> bad = new ArrayList<>(judgements.badRows());
      bad.addAll(trained.badRows());
      bad.sort(Comparator.comparingLong(BadRow::row));
      return new Summary(
          published.name(),
          published.version(),
          published.folder().toString(),
          trained.facts(),
          trained.model().spec().heldOutMembers(),
          trained.model().spec().heldOut(),
          trained.model().spec().cost(),
          trained.model().spec().objectives().stream()
              .map(
                  each ->
                      new Objective(
                          each.name(), each.weight(), each.heldOutMembers(), each.heldOut()))
              .toList(),
          bad,
          judgements.badRowCount() + trained.badRows().size());
    }
  }

  /**
   * One of several objectives.
   *
   * @param members the held-out figures of each member by it
   * @param ensemble those of all together by it
   */
  record Objective(
      String name,
      double weight,
      List<Map<String, Double>> members,
      Map<String, Double> ensemble) {}

  /** Shows it as a document and as lines. */
  void show(Summary summary) {
    printing.document(document(summary));
    lines(summary);
  }

  /** Shows it as lines. */
  void lines(Summary summary) {
    if (summary.badCount() > 0) {
      printing.line(Texts.counted(summary.badCount(), "row") + " left out:");
      summary.bad().stream().limit(SHOWN_BAD_ROWS).forEach(row -> printing.line("  " + row));
    }
    summary.facts().forEach((fact, value) -> printing.line(fact + ": " + value));
    printing.line("");
    if (summary.cost().isPresent()) {
      cost(summary, summary.cost().get());
    } else if (summary.objectives().isEmpty()) {
      figures("on what trained nothing", summary.members(), summary.ensemble(), Map.of(), false);
    }
    for (Objective objective : summary.objectives()) {
      figures(
          "%s (%s), on what trained nothing".formatted(objective.name(), objective.weight()),
          objective.members(),
          objective.ensemble(),
          ObjectiveSum.figures(summary.ensemble(), objective.name()),
          objective.weight() < 0);
    }
    printing.line("published: " + summary.name() + "/" + summary.version());
  }

  private void cost(Summary summary, CostScale cost) {
    TextTable table =
        TextTable.headed("on what trained nothing", "pairs in order", "AUC of labels");
    for (int k = 0; k < summary.members().size(); k++) {
      row(table, "member " + k, summary.members().get(k), "");
    }
    row(table, "mean", summary.ensemble(), "mean_");
    row(table, "highest member", summary.ensemble(), "cautious_");
    row(table, "− length alone", summary.ensemble(), "baseline_length_");
    printing.table(table);
    printing.line("");
    printing.line(
        "members agree on %s of the pairs; the highest member's sign is right for %s"
            .formatted(
                figure(summary.ensemble(), "member_agreement"),
                figure(summary.ensemble(), "cautious_sign_accuracy")));
    printing.line("boundary: " + cost.boundary().words());
    if (!cost.reliability().isEmpty()) {
      printing.line("");
      printing.table(table(cost.reliability()));
      printing.line("");
      printing.line(
          "expected calibration error "
              + figure(summary.ensemble(), EnsembleFigures.calibrationError(summary.ensemble())));
    }
  }

  /** Predicted against observed harm. */
  static TextTable table(List<ReliabilityBin> bins) {
    TextTable table =
        TextTable.headed("probability of harm", "harmful", "95 % interval", "completions");
    for (ReliabilityBin bin : bins) {
      table.row(
          String.format(Locale.ROOT, "%.3f", bin.predicted()),
          String.format(Locale.ROOT, "%.3f", bin.observed()),
          String.format(Locale.ROOT, "%.3f to %.3f", bin.low(), bin.high()),
          String.format(Locale.ROOT, "%,d", bin.completions()));
    }
    return table;
  }

  /** Adds what the scores of a cost say of harm. */
  static void put(ObjectNode document, CostScale cost) {
    document.put("boundary", cost.boundary().code());
    ArrayNode bins = document.putArray("reliability");
    for (ReliabilityBin bin : cost.reliability()) {
      bins.addObject()
          .put("predicted", bin.predicted())
          .put("observed", bin.observed())
          .put("low", bin.low())
          .put("high", bin.high())
          .put("completions", bin.completions());
    }
  }

  /**
   * @param sum the figures of the weighted sum on the same judgements; empty: there is none
   * @param less whether there shall be less of what is scored
   */
  private void figures(
      String of,
      List<Map<String, Double>> members,
      Map<String, Double> ensemble,
      Map<String, Double> sum,
      boolean less) {
    TextTable table = TextTable.headed(of, "pairs in order", "AUC of grades");
    for (int k = 0; k < members.size(); k++) {
      row(table, "member " + k, members.get(k), "");
    }
    row(table, "mean", ensemble, "mean_");
    row(table, less ? "worst member: the highest" : "worst member (WCO)", ensemble, "cautious_");
    if (!sum.isEmpty()) {
      row(table, (less ? "− " : "") + "the weighted sum, worst member", sum, "cautious_");
    }
    row(table, "length alone", ensemble, "baseline_length_");
    printing.table(table);
    printing.line("");
    printing.line(
        "members agree on %s of the pairs; expected calibration error %s"
            .formatted(
                figure(ensemble, "member_agreement"),
                figure(ensemble, EnsembleFigures.calibrationError(ensemble))));
  }

  private static void row(
      TextTable table, String what, Map<String, Double> figures, String prefix) {
    table.row(
        what, figure(figures, prefix + "within_prompt_accuracy"), figure(figures, prefix + "auc"));
  }

  private static String figure(Map<String, Double> figures, String key) {
    Double value = figures.get(key);
    return value == null ? "–" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static ObjectNode document(Summary summary) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", summary.name());
    document.put("version", summary.version());
    if (!summary.folder().isEmpty()) {
      document.put("folder", summary.folder());
    }
    ObjectNode facts = document.putObject("facts");
    summary.facts().forEach(facts::put);
    ArrayNode members = document.putArray("members");
    summary.members().forEach(figures -> figures.forEach(members.addObject()::put));
    ObjectNode ensemble = document.putObject("ensemble");
    summary.ensemble().forEach(ensemble::put);
    summary.cost().ifPresent(cost -> put(document.putObject("cost"), cost));
    if (!summary.objectives().isEmpty()) {
      ArrayNode objectives = document.putArray("objectives");
      for (Objective objective : summary.objectives()) {
        ObjectNode each =
            objectives.addObject().put("name", objective.name()).put("weight", objective.weight());
        ArrayNode ofMembers = each.putArray("members");
        objective.members().forEach(figures -> figures.forEach(ofMembers.addObject()::put));
        objective.ensemble().forEach(each.putObject("ensemble")::put);
      }
    }
    document.put("bad_row_count", summary.badCount());
    ArrayNode rows = document.putArray("bad_rows");
    summary
        .bad()
        .forEach(row -> rows.addObject().put("row", row.row()).put("reason", row.reason()));
    return document;
  }
}
