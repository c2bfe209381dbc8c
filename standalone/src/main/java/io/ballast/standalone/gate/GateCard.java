package io.ballast.standalone.gate;

import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.FittedGate;
import io.ballast.safety.core.gatefit.GateFigures;
import io.ballast.safety.core.gatefit.GatePlan;
import java.util.Locale;

/** Says what a reader must know of a gate that was made of feedback, from the facts of its run. */
public final class GateCard {
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
        "decisions, split by user at random",
        String.join(
            "; ",
            part(sizes.train(), "to train"),
            part(sizes.calibration(), "to stop, calibrate and fix the rules"),
            part(sizes.lines(), "to decide the lines"),
            part(sizes.test(), "to measure")));
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
    text.append(together(gate));
    text.append("\n## On users who trained nothing\n\n");
    text.append(figures(own)).append("\n![reliability](reliability.svg)\n\n");
    text.append(GateFigures.table(own.reliability()));
    return text.append("\n## Limits\n\n")
        .append(
            "What was never shown has no outcome: the gate learned from what was, weighted by how"
                + " rarely it was shown. It hides; it must not be a reward, for the likeliest kept"
                + " suggestion is a short one.\n")
        .toString();
  }

  private static String part(FittedGate.Part part, String purpose) {
    return format("%,d of %,d users %s", part.examples(), part.users(), purpose);
  }

  /** What was proven and of what, or that nothing was. */
  public static String promise(FittedGate gate, GatePlan plan) {
    String confidence = "with confidence " + GateFigures.confidence(plan.alpha());
    String target = "at least " + GateFigures.percent(plan.targetAccuracy());
    return switch (gate.lines()) {
      case CertifiedGate.Certified found ->
          proven(found.guarantee(), gate.rules(), target, confidence) + reading(gate);
      case CertifiedGate.Measured found ->
          format(
                  "Measured, not proven: %s. Of what these lines hid from the %,d users who"
                      + " decided, %.1f %% was rejected; nothing is promised of other users.",
                  switch (found.why()) {
                    case TOO_FEW_USERS ->
                        format(
                            "%,d users decided, and fewer than %,d prove nothing at a target of %s"
                                + " %s",
                            found.units(), found.least(), target, confidence);
                    case THINNED_LOG ->
                        "a gate hid some of the decisions, and those that are left are more often of"
                            + " users from whom much is hidden, which says nothing of the average"
                            + " user";
                  },
                  found.units(),
                  100.0
                      * (found.counts().hidden() - found.counts().accepted())
                      / found.counts().hidden())
              + reading(gate);
      case CertifiedGate.Infeasible none ->
          format(
              "None of %,d rules could be proven to keep to this: of what is hidden, %s would have"
                  + " been rejected, %s. **Everything is shown;** collect decisions of more users,"
                  + " or ask for less.%n",
              gate.rules(), target, confidence);
    };
  }

  private static String proven(
      GateGuarantee guarantee, int rules, String target, String confidence) {
    String test =
        format(
            "(Learn then Test over %,d rules that other users fixed; %,d hidden, %,d of them kept,"
                + " p = %.4f)",
            rules, guarantee.hidden(), guarantee.accepted(), guarantee.pValue());
    return switch (guarantee.unit()) {
      case GROUP ->
          format(
              "Proven: of what is hidden from a user, on average over users such as the %,d who"
                  + " decided, %s would have been rejected, %s %s. Users are taken as independent,"
                  + " the decisions of one are not; each user counts alike.",
              guarantee.units(), target, confidence, test);
      case DECISION ->
          format(
              "Proven if decisions are independent, as was declared when it was made: of what is"
                  + " hidden, %s would have been rejected, %s %s. Where users have several"
                  + " decisions, this says too much.",
              target, confidence, test);
    };
  }

  private static String reading(FittedGate gate) {
    return gate.rule().secondLook()
        ? format(" Stage 2 judges what stage 1 passes too.%n")
        : format(" What stage 1 passes is shown without stage 2.%n");
  }

  /** What both stages do to decisions of users who trained nothing. */
  static String together(FittedGate gate) {
    GateCounts counts = gate.measured();
    String right =
        switch (gate.rejectedOfHidden()) {
          case OffPolicyEstimate.Estimated found ->
              format(
                  "%.1f %% (%.1f to %.1f %% at 95 %%, by user)",
                  100 * found.value().estimate(),
                  100 * found.value().low(),
                  100 * found.value().high());
          case OffPolicyEstimate.TooLittle little ->
              counts.hidden() == 0
                  ? "nothing is hidden"
                  : format(
                      "%,d of %,d, of too few users for an interval",
                      counts.hidden() - counts.accepted(), counts.hidden());
        };
    return format(
        "%n| on users who trained nothing | |%n|---|---|%n| hidden | %.1f %% |%n| not even"
            + " generated | %.1f %% |%n| rejected, of what is hidden | %s |%n",
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

  private static void row(StringBuilder text, String name, String value) {
    text.append("| ").append(name).append(" | ").append(value).append(" |\n");
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
