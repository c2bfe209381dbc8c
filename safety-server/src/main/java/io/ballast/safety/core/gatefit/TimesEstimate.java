package io.ballast.safety.core.gatefit;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.check.Require;
import io.ballast.rl.gate.UtilityRule;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The times that a gate which shows what saves time decides by, from what suggestions took:
 *
 * <pre>
 * T_v: mean of how long suggestions were looked at, kept or not
 * τ:   mean of how long they were waited for
 * T_w: mean characters of what was kept / characters a second that people type
 * T_e: mean of how long kept ones were changed afterwards; 0 for those taken as they were
 * </pre>
 *
 * <p>Source: the utility frame of Mozannar et al. 2024 (CDHF), arXiv:2306.04930. Nobody writes by
 * hand what was taken, so T_w cannot be seen in any log, and rests on a typing speed that is given.
 *
 * @param verification T_v
 * @param waiting τ
 * @param writing T_w
 * @param editing T_e
 */
public record TimesEstimate(Part verification, Part waiting, Part writing, Part editing) {
  /** Fewer observations, or fewer users, are no estimate. */
  public static final int LEAST = 30;

  private static final int LEAST_USERS = 2;
  private static final double CONFIDENCE = 0.95;

  /**
   * One of the times.
   *
   * @param seconds the mean, with an interval at 95 % by user
   * @param observations how many it rests on
   */
  public record Part(Interval seconds, int observations) {}

  /**
   * Estimates.
   *
   * @param log shown and answered suggestions
   * @param typing characters a second, above 0
   * @param longest seconds, above 0; a longer look, edit or wait counts as this: people go for
   *     coffee
   * @throws UnusableLogException if fewer than 30 say one of the times, or fewer than 2 users
   */
  public static TimesEstimate of(List<TimedSuggestion> log, double typing, double longest)
      throws UnusableLogException {
    Require.positive(typing, "typing");
    Require.positive(longest, "longest");
    return new TimesEstimate(
        part("verification_duration", log.stream(), TimedSuggestion::verification, longest),
        part("how long the mesh took", log.stream(), TimedSuggestion::waiting, longest),
        part(
            "kept text",
            log.stream().filter(TimedSuggestion::kept),
            each -> OptionalDouble.of(each.keptCharacters() / typing),
            Double.MAX_VALUE),
        part(
            "accepted as it was, or edit_duration",
            log.stream().filter(TimedSuggestion::kept),
            TimedSuggestion::editing,
            longest));
  }

  private static Part part(
      String name,
      Stream<TimedSuggestion> log,
      Function<TimedSuggestion, OptionalDouble> seconds,
      double longest)
      throws UnusableLogException {
    List<TimedSuggestion> known = log.filter(each -> seconds.apply(each).isPresent()).toList();
    long users = known.stream().map(TimedSuggestion::user).distinct().count();
    if (known.size() < LEAST || users < LEAST_USERS) {
      throw new UnusableLogException(
          "%s: %,d suggestions of %,d users say it (expected: at least %d of %d users)"
              .formatted(name, known.size(), users, LEAST, LEAST_USERS));
    }
    double[] values =
        known.stream()
            .mapToDouble(each -> Math.min(longest, seconds.apply(each).orElseThrow()))
            .toArray();
    return new Part(
        MeanIntervals.clusteredMean(
            values, known.stream().map(TimedSuggestion::user).toList(), CONFIDENCE),
        known.size());
  }

  /** The rule with these means. */
  public UtilityRule rule() {
    return new UtilityRule(
        verification.seconds().estimate(),
        waiting.seconds().estimate(),
        writing.seconds().estimate(),
        editing.seconds().estimate());
  }
}
