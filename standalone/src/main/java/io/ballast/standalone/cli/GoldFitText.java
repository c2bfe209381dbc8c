package io.ballast.standalone.cli;

import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.standalone.demo.report.FittedGold;
import java.util.List;
import java.util.Locale;

/** Gao's curve in words, and as a line to draw. */
final class GoldFitText {
  private GoldFitText() {}

  /** Returns the curve, to be drawn. */
  static FittedGold curve(GoldFit fit) {
    return new FittedGold(
        fit.getForm() == GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING
            ? io.ballast.rl.selection.GoldForm.REINFORCEMENT_LEARNING
            : io.ballast.rl.selection.GoldForm.BEST_OF_N,
        fit.getAlpha(),
        fit.getBeta(),
        fit.getFarthestDistance());
  }

  /**
   * Returns the curve and where it turns, a line each.
   *
   * @param first what gold is measured from, such as {@code n = 1}
   */
  static List<String> lines(GoldFit fit, String first) {
    String curve =
        String.format(
            Locale.ROOT,
            "gold over %s = %s, d = √KL: α %.3f [%.3f, %.3f], β %.3f [%.3f, %.3f]%s; %s",
            first,
            fit.getForm() == GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING
                ? "d(α − β ln d)"
                : "d(α − βd)",
            fit.getAlpha(),
            fit.getAlphaLow(),
            fit.getAlphaHigh(),
            fit.getBeta(),
            fit.getBetaLow(),
            fit.getBetaHigh(),
            fit.hasRSquared() ? String.format(Locale.ROOT, ", R² %.3f", fit.getRSquared()) : "",
            fit.getIntervalMethod() == FitIntervalMethod.FIT_INTERVAL_METHOD_BOOTSTRAP
                ? "intervals over prompts"
                : "Student's t: how smooth the curve is, not how sure");
    if (!fit.hasPeak()) {
      return List.of(curve, "the fitted curve never turns");
    }
    return List.of(
        curve,
        String.format(
            Locale.ROOT,
            "the fitted curve is highest at a KL of %.2f nats, %+.3f over %s%s",
            fit.getPeak().getKlNats(),
            fit.getPeak().getGoldGain(),
            first,
            fit.getPeak().getObserved() ? "" : " (beyond what was fitted)"));
  }
}
