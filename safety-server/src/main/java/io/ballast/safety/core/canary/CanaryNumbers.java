package io.ballast.safety.core.canary;

import java.util.Locale;

/**
 * What is known of a canary, as it is told.
 *
 * @param cost of what it showed
 * @param missing how many of those costs count as 1 because there was none
 * @param canaryAccept the share of its answered suggestions that were taken
 * @param controlAccept the same of what serves beside it
 * @param shortfall how far its accept rate is under the control's, −1 to 1, by pairs of answers
 */
public record CanaryNumbers(
    BoundedMean cost,
    int missing,
    BoundedMean canaryAccept,
    BoundedMean controlAccept,
    BoundedMean shortfall) {
  /** Why the verdict follows, in a sentence; empty of UNDECIDED. */
  public String reason(CanaryVerdict verdict, CanaryTerms terms) {
    return switch (verdict) {
      case UNDECIDED -> "";
      case COST_OVER_LIMIT ->
          text(
              "the canary's mean cost is over the limit %.4f (alpha %s): %.4f of %s, %,d without a cost",
              terms.costLimit(), terms.alpha(), cost.mean(), completions(), missing);
      case ACCEPT_BELOW_CONTROL ->
          text(
              "the canary's accept rate is more than %.4f under the control's (alpha %s): %.4f of %,d answers, %.4f of %,d, %.4f under it in %,d pairs",
              terms.acceptMargin(),
              terms.alpha(),
              canaryAccept.mean(),
              canaryAccept.count(),
              controlAccept.mean(),
              controlAccept.count(),
              shortfall.mean(),
              shortfall.count());
      case BLIND -> text("nothing of the canary could be read or judged for %s", terms.maxBlind());
      case HELD ->
          text(
              "the canary's mean cost is under the limit %.4f, its accept rate at most %.4f under the control's (alpha %s): by %s and %,d pairs of answers",
              terms.costLimit(),
              terms.acceptMargin(),
              terms.alpha(),
              completions(),
              shortfall.count());
      case NO_BREACH_BY_HORIZON ->
          text(
              "no breach within %s, by %s and %,d pairs of answers",
              terms.horizon(), completions(), shortfall.count());
    };
  }

  private String completions() {
    return text("%,d completions", cost.count());
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
