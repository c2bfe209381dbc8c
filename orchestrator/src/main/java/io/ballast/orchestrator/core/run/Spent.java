package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.BudgetSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a run has used up by the end of an iteration. It is stored with the iteration, so that a
 * crash resets nothing; what an iteration used that a crash lost is not in it.
 *
 * @param completionTokens sampled, whether they were trained on or not, evaluations included;
 *     prompts are not
 * @param seconds that workers spent on it, from taking it up, without the time in between; ≥ 0
 * @param money hours times the spec's price; null without a price
 */
public record Spent(long completionTokens, double seconds, @Nullable Double money) {
  private static final double SECONDS_OF_AN_HOUR = 3_600;
  private static final double NANOS = 1e9;

  /** Before the first iteration. */
  static final Spent NOTHING = new Spent(0, 0, null);

  /**
   * What a run has used up so far.
   *
   * @return null if its last iteration is of before this was kept
   */
  static @Nullable Spent soFar(Run run) {
    IterationMetrics latest = run.progress().latest();
    return latest == null ? NOTHING : latest.spent();
  }

  /** As {@link #and}, of the time since the timer's last lap; null where {@code soFar} is. */
  static @Nullable Spent after(
      @Nullable Spent soFar, List<SampledPrompt> sampled, LapTimer timer, BudgetSpec budget) {
    return soFar == null ? null : soFar.and(sampled, timer.lap(), budget);
  }

  /** Returns this and {@code sampled} and {@code more} seconds, at the price of {@code budget}. */
  Spent and(List<SampledPrompt> sampled, double more, BudgetSpec budget) {
    double all = seconds + more;
    Double price = budget.pricePerHour();
    return new Spent(
        completionTokens + sampled.stream().mapToLong(SampledPrompt::sampledTokens).sum(),
        all,
        price == null ? null : Double.valueOf(all / SECONDS_OF_AN_HOUR * price));
  }

  /** Says which parts of {@code budget} are used up; empty if none is. */
  String usedUp(BudgetSpec budget) {
    List<String> reasons = new ArrayList<>();
    Long tokens = budget.completionTokens();
    if (tokens != null && completionTokens >= tokens) {
      reasons.add(
          words(
              "budget.tokens is used up: %,d of %,d completion tokens", completionTokens, tokens));
    }
    Duration time = budget.time();
    if (time != null && seconds >= time.toNanos() / NANOS) {
      reasons.add(words("budget.time is used up: %.1f s of %s", seconds, time));
    }
    Double most = budget.money();
    if (most != null && money != null && money >= most) {
      reasons.add(words("budget.money is used up: %.4f of %s", money, most));
    }
    return String.join("; ", reasons);
  }

  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
