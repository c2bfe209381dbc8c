package io.ballast.standalone.gate;

import io.ballast.rl.bound.ProportionBounds;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.FittedGate;
import io.ballast.safety.core.gatefit.GatePlan;
import java.util.Locale;

/** Says what a reader must know of a gate that was made of feedback, from the facts of its run. */
public final class GateCard {
  private static final double DELTA = 0.05;

  private GateCard() {}

  /**
   * Returns the card of one stage as Markdown.
   *
   * @param name and version, such as {@code our-gate-context 1}
   * @param source what it was made of, for a reader
   * @param command what makes it again
   */
  static String of(
      String name, GateStage stage, FittedGate gate, GatePlan plan, String source, String command) {
    FittedGate.Stage own = gate.stage(stage);
    StringBuilder text = new StringBuilder();
    text.append("# ").append(name).append("\n\n");
    text.append(
        stage == GateStage.CONTEXT
            ? "Stage 1 of a display gate: from the place and the user's past, how likely is it that"
                + " a suggestion is kept? If hardly, none is generated.\n\n"
            : "Stage 2 of a display gate: how likely is it that this suggestion is kept here? If"
                + " hardly, it is not shown.\n\n");
    text.append("| | |\n|---|---|\n");
    row(text, "made of", source);
    row(text, "kept", "accepted, or edited: a beginning was kept");
    row(
        text,
        "model",
        format(
            "%d trees of XGBoost on %d features (version %d), %s",
            own.trees().count(),
            gate.features().names(stage).size(),
            gate.features().version(),
            plan.calibration() == GatePlan.Calibration.PLATT
                ? "Platt's scaling"
                : "isotonic regression"));
    FittedGate.Sizes sizes = gate.sizes();
    row(
        text,
        "decisions, split by user",
        format(
            "%,d to train, %,d to stop and calibrate, %,d positions to decide the lines, %,d to"
                + " measure; %,d users",
            sizes.train(), sizes.calibration(), sizes.lines(), sizes.test(), sizes.users()));
    row(
        text,
        "hides below",
        format(
            "%.4f",
            stage == GateStage.CONTEXT
                ? gate.rule().thresholds().stageOne()
                : gate.rule().thresholds().stageTwo()));
    if (stage == GateStage.CONTEXT) {
      row(
          text,
          "refers at and above",
          format("%.4f bits of entropy", gate.rule().thresholds().referEntropyBits()));
    }
    row(text, "explores", format("%.1f %% of what it would hide", 100 * plan.explorationShare()));
    row(text, "seed", Long.toString(plan.seed()));
    text.append("\nMake it again: `").append(command).append("`\n\n");
    text.append("## Both stages together\n\n").append(promise(gate, plan)).append("\n");
    text.append(together(gate.measured()));
    text.append("\n## On users who trained nothing\n\n");
    text.append(figures(own)).append("\n![reliability](reliability.svg)\n\n");
    text.append(reliability(own.reliability()));
    return text.append("\n## Limits\n\n")
        .append(
            "What was never shown has no outcome: the gate learned from what was, weighted by how"
                + " rarely it was shown. It hides; it must not be a reward, for the likeliest kept"
                + " suggestion is a short one.\n")
        .toString();
  }

  /** What was proven, or that nothing was. */
  public static String promise(FittedGate gate, GatePlan plan) {
    String goal =
        format(
            "of what is hidden, at least %.0f %% would have been rejected, with confidence %.0f %%",
            100 * plan.targetAccuracy(), 100 * (1 - plan.alpha()));
    return gate.guarantee()
        .map(
            proven ->
                format(
                    "Proven: %s (Learn then Test over %,d rules that other users fixed; %,d"
                        + " positions hidden, %,d of them kept, p = %.4f). It holds per decision of"
                        + " users such as these, positions and users taken as independent: of few users,"
                        + " who resemble themselves, it says too much. %s%n",
                    goal,
                    gate.rules(),
                    proven.hidden(),
                    proven.accepted(),
                    proven.pValue(),
                    gate.rule().secondLook()
                        ? "Stage 2 judges what stage 1 passes too."
                        : "What stage 1 passes is shown without stage 2."))
        .orElseGet(
            () ->
                format(
                    "None of %,d rules could be proven to keep to this: %s. **Everything is shown;**"
                        + " collect more decisions, or ask for less.%n",
                    gate.rules(), goal));
  }

  /** What both stages do to decisions of users who trained nothing. */
  static String together(GateCounts counts) {
    String right =
        counts.hidden() == 0
            ? "nothing is hidden"
            : format(
                "%.1f %% (%.1f to %.1f %% at 90 %%)",
                100.0 * (counts.hidden() - counts.accepted()) / counts.hidden(),
                100 * counts.lowerAccuracy(DELTA),
                100
                    * ProportionBounds.clopperPearsonUpper(
                        counts.hidden() - counts.accepted(), counts.hidden(), DELTA));
    return format(
        "%n| on users who trained nothing | |%n|---|---|%n| hidden | %.1f %% |%n| not even generated"
            + " | %.1f %% |%n| rejected, of what is hidden | %s |%n",
        100.0 * counts.hidden() / counts.examples(),
        100.0 * counts.notGenerated() / counts.examples(),
        right);
  }

  private static String figures(FittedGate.Stage own) {
    return format(
        "AUC %.3f, Brier score %.3f, calibration error %.3f; %.1f %% of %,.0f suggestions were"
            + " kept.%n",
        own.figures().getOrDefault("auc", Double.NaN),
        own.figures().getOrDefault("brier", Double.NaN),
        own.figures().getOrDefault("calibration_error", Double.NaN),
        100 * own.figures().getOrDefault("base_rate", Double.NaN),
        own.figures().getOrDefault("suggestions", Double.NaN));
  }

  /** How probabilities came true, as a table. */
  static String reliability(ReliabilityBins bins) {
    StringBuilder text =
        new StringBuilder("| said | came true | 95 % | suggestions |\n|---|---|---|---|\n");
    for (ReliabilityBins.Bin bin : bins.bins()) {
      text.append(
          format(
              "| %.3f | %.3f | %.3f to %.3f | %,d |%n",
              bin.predicted(),
              bin.observed().estimate(),
              bin.observed().low(),
              bin.observed().high(),
              bin.count()));
    }
    return text.toString();
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append("| ").append(name).append(" | ").append(value).append(" |\n");
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
