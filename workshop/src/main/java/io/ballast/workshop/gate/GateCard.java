package io.ballast.workshop.gate;

import io.ballast.rl.gate.CertifiedGate;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.GateFigures;
import java.util.Locale;
import java.util.Map;

/** Writes what a reader must know of a trained gate model, from the facts of its run. */
final class GateCard {
  private GateCard() {}

  /**
   * Returns the card as Markdown.
   *
   * @param name of the model, such as {@code java-gate-context}
   * @param policy whose suggestions it was trained on, such as {@code java-tiny 1}
   * @param command what makes the model again
   * @param note what a reader must know besides; empty: nothing
   */
  static String of(
      String name,
      GateStage stage,
      GateTrainer.Trained trained,
      GateTrainer.Plan plan,
      String policy,
      String command,
      String note) {
    GateTrainer.Stage own = trained.stage(stage);
    GateSpec spec = own.spec();
    StringBuilder text = new StringBuilder();
    text.append("# ").append(name).append("\n\n").append(purpose(stage)).append("\n\n");
    text.append("| | |\n|---|---|\n");
    row(text, "policy", policy + ", temperature 1");
    row(
        text,
        "label",
        "kept: the programmer accepts the suggestion, or keeps its right beginning of three"
            + " characters or more; not kept: rejects all of it");
    row(
        text,
        "model",
        own.trees().count()
            + " trees of XGBoost on "
            + spec.features().size()
            + " features (version "
            + spec.featureSet().version()
            + "), Platt's scaling");
    row(
        text,
        "suggestions, split by file",
        format(
            "%s to train; %s to stop and calibrate; %s to draw the lines; %s to measure; at %,d"
                + " positions",
            part(trained.sizes().train()),
            part(trained.sizes().calibration()),
            part(trained.sizes().thresholds()),
            part(trained.sizes().test()),
            trained.sizes().positions()));
    row(text, "withholds below", format("%.4f", spec.threshold()));
    if (stage == GateStage.CONTEXT) {
      row(text, "refers at and above", format("%.4f bits of entropy", spec.referEntropyBits()));
    }
    row(
        text,
        "explores",
        format("%.0f %% of what it would withhold", 100 * spec.explorationShare()));
    row(text, "guarantee", guarantee(trained.lines()));
    row(text, "seed", Long.toString(plan.seed()));
    row(text, "licence", "Apache-2.0");
    text.append("\nMake it again: `").append(command).append("`\n\n");
    text.append("## On files that trained nothing\n\n| | AUC |\n|---|---|\n");
    row(text, "this model", figure(spec.heldOut(), "auc"));
    for (String baseline : GateTrainer.baselines(stage)) {
      row(
          text,
          baseline.replace('_', ' ') + " alone",
          figure(spec.heldOut(), "baseline_" + baseline + "_auc"));
    }
    text.append(
        format(
            "%n%.1f %% of these suggestions were kept. Expected calibration error %s, Brier score"
                + " %s.%n%n",
            100 * spec.heldOut().getOrDefault("base_rate", 0.0),
            figure(spec.heldOut(), "calibration_error"),
            figure(spec.heldOut(), "brier")));
    text.append(GateFigures.table(own.reliability()));
    text.append("\n## Both stages together, on the same files\n\n").append(together(trained, plan));
    text.append("\n## Limits\n");
    text.append(
        "Trained on one policy's suggestions to one programmer: another policy's need another gate."
            + " It hides; it must not be a reward, for the likeliest kept suggestion is a short"
            + " one.\n");
    if (spec.featureSet() == FeatureSet.TEXT_AND_HISTORY) {
      text.append(
          "What it knows of the past is of one file, at most as many outcomes as it has positions,"
              + " without their age; of a fifth of the files nothing, so that it may do without."
              + " Nobody asked for reward and cost: it does not see them.\n");
    }
    return note.isEmpty() ? text.toString() : text.append(note).append("\n").toString();
  }

  private static String guarantee(DrawnLines lines) {
    return lines
        .guarantee()
        .map(proven -> format("of the average file, %,d of which decided", proven.units()))
        .orElse("none: what follows was measured");
  }

  private static String part(GateTrainer.Part part) {
    return format("%,d of %,d files", part.suggestions(), part.files());
  }

  private static String together(GateTrainer.Trained trained, GateTrainer.Plan plan) {
    Map<String, Double> c = trained.cascade();
    String goal = goal(trained.lines(), plan);
    if (!trained.lines().withhold()) {
      return goal + " No lines that withhold anything keep to that: **everything is shown.**\n";
    }
    return goal
        + format(
            "%n%n| | |%n|---|---|%n| withheld | %.1f %% |%n| of which not even generated | %.1f %%"
                + " |%n| rejected, of what is withheld | %.1f ± %.1f %% |%n| accepted suggestions"
                + " that are withheld | %.1f %% |%n| edited suggestions that are withheld | %.1f %%"
                + " |%n| accepted, of all → of what is shown | %.1f → %.1f %% |%n| rejected, of all"
                + " → of what is shown | %.1f → %.1f %% |%n",
            100 * c.getOrDefault("withheld_share", 0.0),
            100 * c.getOrDefault("not_generated_share", 0.0),
            100 * c.getOrDefault("rejected_among_withheld", 0.0),
            100 * c.getOrDefault("rejected_among_withheld_half_width", 0.0),
            100 * c.getOrDefault("accepted_withheld", 0.0),
            100 * c.getOrDefault("edited_withheld", 0.0),
            100 * c.getOrDefault("accepted_share", 0.0),
            100 * c.getOrDefault("accepted_share_of_shown", 0.0),
            100 * c.getOrDefault("rejected_share", 0.0),
            100 * c.getOrDefault("rejected_share_of_shown", 0.0));
  }

  private static String goal(DrawnLines lines, GateTrainer.Plan plan) {
    String target = GateFigures.percent(plan.targetAccuracy());
    String confidence = GateFigures.confidence(plan.delta());
    return switch (plan.method()) {
      case ENUMERATION ->
          format(
              "Lines are drawn so that, of what is withheld, at least %s would have been"
                  + " rejected: by the lower bound at confidence %s of one choice, on the"
                  + " files that drew them. The best of many lines was taken, and samples of a"
                  + " position as independent, so that it is no promise for other files. Stage 2"
                  + " judges what stage 1 passes too, there as in what was measured here and as it"
                  + " is served.",
              target, confidence);
      case LEARN_THEN_TEST ->
          switch (lines.tested().orElseThrow()) {
            case CertifiedGate.Certified found ->
                format(
                    "Proven: of what is withheld in a file, on average over files, at least %s"
                        + " would have been rejected, at confidence %s (Learn then Test over"
                        + " %,d rules that other files fixed; files taken as independent, positions"
                        + " of one not; stage 2 judges what stage 1 passes too, as it is served)."
                        + " Of %,d files they withheld %,d samples, %,d of them kept: p = %.4f.",
                    target,
                    confidence,
                    lines.rules(),
                    found.guarantee().units(),
                    found.guarantee().hidden(),
                    found.guarantee().accepted(),
                    found.guarantee().pValue());
            case CertifiedGate.Measured found ->
                format(
                    "Measured, not proven: %,d files decided, and fewer than %,d prove nothing at"
                        + " %s and confidence %s. Nothing is promised of other files.",
                    found.units(), found.least(), target, confidence);
            case CertifiedGate.Infeasible none ->
                format(
                    "None of %,d rules could be proven to keep to this: of what is withheld in a"
                        + " file, at least %s would have been rejected, at confidence %s.",
                    none.rules(), target, confidence);
          };
    };
  }

  private static String purpose(GateStage stage) {
    return switch (stage) {
      case CONTEXT ->
          "Stage 1 of the display gate: from the text before the cursor alone, how likely is it"
              + " that a suggestion here is kept? If hardly, none is generated.";
      case SUGGESTION ->
          "Stage 2 of the display gate: how likely is it that this suggestion is kept here? If"
              + " hardly, it is not shown.";
    };
  }

  private static String figure(Map<String, Double> figures, String name) {
    return format("%.3f", figures.getOrDefault(name, Double.NaN));
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append("| ").append(name).append(" | ").append(value).append(" |\n");
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
