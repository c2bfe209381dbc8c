package io.ballast.training.scoring;

import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.onnx.ReliabilityBin;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.call.Texts;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes what a reader must know of trained heads, from the facts of their run. */
public final class ScoringCard {
  /** The heading above the figures. */
  public static final String FIGURES = "## On what trained nothing";

  private ScoringCard() {}

  /**
   * Returns the card as Markdown.
   *
   * @param name of the model, such as {@code java-reward}
   * @param purpose what the scores say, and of what pairs, AUC and correlation are
   * @param run what was trained on, by name
   * @param command what makes the model again
   */
  public static String of(
      String name, String purpose, ScoringSpec spec, Map<String, String> run, String command) {
    StringBuilder text = new StringBuilder();
    text.append("# ").append(name).append("\n\n").append(purpose).append("\n\n");
    text.append("| | |\n|---|---|\n");
    row(text, "trunk (frozen)", spec.trunk().model() + " " + spec.trunk().version());
    if (spec.ownBlocks() > 0) {
      row(
          text,
          "each member's own",
          "the trunk's last " + Texts.counted(spec.ownBlocks(), "block"));
    }
    row(text, "trunk's weights, SHA-256", spec.trunk().weightsSha256());
    spec.trunk()
        .text()
        .ifPresent(
            read -> {
              row(text, "trunk's tokenizer, SHA-256", read.tokenizerSha256());
              row(text, "trunk's chat template, SHA-256", read.templateSha256().orElse("none"));
            });
    row(
        text,
        "heads",
        spec.heads()
            + (spec.objectives().isEmpty() ? "" : " by each of the objectives")
            + ", each features → "
            + (spec.hiddenWidth() == 0
                ? "1"
                : spec.hiddenWidth() + " " + spec.activation().code() + " → 1"));
    spec.cost().ifPresent(cost -> row(text, "boundary", cost.boundary().words()));
    run.forEach((key, value) -> row(text, key, value));
    row(text, "code", CodeVersion.built().toString());
    text.append("\nMake it again: `").append(command).append("`\n\n");
    text.append(FIGURES).append("\n\n");
    if (spec.objectives().isEmpty()) {
      measured(
          text,
          cautious(spec.kind()),
          spec.kind(),
          spec.heldOutMembers(),
          spec.heldOut(),
          Map.of(),
          "");
    }
    for (ScoringObjective objective : spec.objectives()) {
      boolean less = objective.weight() < 0;
      Map<String, Double> sum = ObjectiveSum.figures(spec.heldOut(), objective.name());
      String sign = less ? "− " : "";
      text.append("### ").append(objective.name()).append(", weight ");
      text.append(objective.weight()).append("\n\n");
      measured(
          text,
          less ? "cautious: highest normalised member" : cautious(spec.kind()),
          spec.kind(),
          objective.heldOutMembers(),
          objective.heldOut(),
          sum,
          sign);
      text.append('\n');
    }
    spec.cost()
        .map(CostScale::reliability)
        .filter(bins -> !bins.isEmpty())
        .ifPresent(bins -> reliability(text, bins));
    text.append("\n## Limits\n").append(limits(spec.kind())).append('\n');
    return text.toString();
  }

  private static void reliability(StringBuilder text, List<ReliabilityBin> bins) {
    text.append("\n## Whether the probability of harm comes true\n\n");
    text.append("| predicted | harmful | 95 % interval | completions |\n|---|---|---|---|\n");
    for (ReliabilityBin bin : bins) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %.3f | %.3f | %.3f to %.3f | %,d |%n",
              bin.predicted(),
              bin.observed(),
              bin.low(),
              bin.high(),
              bin.completions()));
    }
    text.append(
        "\nIntervals take completions as independent; those of one prompt are not quite.\n");
  }

  private static void measured(
      StringBuilder text,
      String cautious,
      ScoringKind kind,
      List<Map<String, Double>> heldOutMembers,
      Map<String, Double> heldOut,
      Map<String, Double> sum,
      String sumSign) {
    text.append("| | within a prompt | AUC | correlation |\n|---|---|---|---|\n");
    for (int k = 0; k < heldOutMembers.size(); k++) {
      figures(text, "member " + k, heldOutMembers.get(k), "");
    }
    figures(text, "mean of members", heldOut, "mean_");
    figures(text, cautious, heldOut, "cautious_");
    if (!sum.isEmpty()) {
      figures(text, sumSign + "the weighted sum: mean of members", sum, "mean_");
      figures(text, sumSign + "the weighted sum, cautious", sum, "cautious_");
    }
    if (heldOut.containsKey("as_text_cautious_auc")) {
      figures(text, "the same, positions given as texts", heldOut, "as_text_cautious_");
    }
    String sign = kind == ScoringKind.COST ? "− " : "";
    figures(text, sign + "length alone", heldOut, "baseline_length_");
    figures(text, sign + "mean log-prob alone", heldOut, "baseline_mean_log_prob_");
    figures(text, sign + "sum of log-probs alone", heldOut, "baseline_sum_log_prob_");
    text.append(
        String.format(
            Locale.ROOT, "%n%,.0f completions", heldOut.getOrDefault("completions", 0.0)));
    if (heldOut.containsKey("pairs")) {
      text.append(
          String.format(
              Locale.ROOT,
              ", %,.0f pairs; the cautious score's accuracy is ± %s (95 %%, by key)",
              heldOut.get("pairs"),
              figure(heldOut, "cautious_within_prompt_accuracy_half_width")));
    }
    List<String> more = new ArrayList<>();
    String error = EnsembleFigures.calibrationError(heldOut);
    if (heldOut.containsKey(error)) {
      more.add("Expected calibration error " + figure(heldOut, error));
    }
    if (heldOut.containsKey("member_agreement")) {
      more.add("members agree on " + figure(heldOut, "member_agreement") + " of the pairs");
    }
    text.append(more.isEmpty() ? "" : ". ").append(String.join("; ", more)).append(".\n");
    if (heldOut.containsKey("cautious_sign_accuracy")) {
      text.append(
          "The cautious score's sign is right for "
              + figure(heldOut, "cautious_sign_accuracy")
              + " of completions.\n");
    }
  }

  /** Returns facts as notes of a folder's manifest: names of letters, digits and underscores. */
  public static Map<String, String> notes(Map<String, String> run) {
    Map<String, String> notes = new LinkedHashMap<>();
    run.forEach((fact, value) -> notes.put(fact.replaceAll("[^A-Za-z0-9]+", "_"), value));
    return notes;
  }

  private static String cautious(ScoringKind kind) {
    return switch (kind) {
      case REWARD_ENSEMBLE -> "cautious: lowest normalised member";
      case COST -> "cautious: highest member";
    };
  }

  private static String limits(ScoringKind kind) {
    return switch (kind) {
      case REWARD_ENSEMBLE ->
          "Trained on one policy's suggestions: a policy that moves away from it leaves what these"
              + " heads know. Scores of different prompts are not comparable.";
      case COST ->
          "Trained on one policy's suggestions: a policy that is optimised against these heads can"
              + " find what they miss. A safety test must not rest on the heads that a run used.";
    };
  }

  private static void figures(
      StringBuilder text, String name, Map<String, Double> figures, String prefix) {
    text.append("| ").append(name);
    for (String figure : new String[] {"within_prompt_accuracy", "auc", "correlation"}) {
      text.append(" | ").append(figure(figures, prefix + figure));
    }
    text.append(" |\n");
  }

  private static String figure(Map<String, Double> figures, String name) {
    return figures.containsKey(name) ? String.format(Locale.ROOT, "%.3f", figures.get(name)) : "–";
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append("| ").append(name).append(" | ").append(value).append(" |\n");
  }
}
