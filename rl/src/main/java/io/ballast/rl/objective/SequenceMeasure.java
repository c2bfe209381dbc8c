package io.ballast.rl.objective;

import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;

/**
 * What a preference loss takes for the log-probability of a completion. Masked tokens have no part.
 */
public enum SequenceMeasure {
  /** Σ log π(aₜ): the completion's log-probability, which a longer one has less of. */
  SUM,
  /** Its mean over the tokens, log p̄: no length enters (SimPO). */
  TOKEN_MEAN,
  /**
   * log(p̄/(1 − p̄)): the log-odds of the tokens' geometric mean (ORPO). At most 20, with gradient
   * 0 beyond: a certain completion stays a number.
   */
  LOG_ODDS;

  private static final double LARGEST_LOG_ODDS = 20;

  /** Returns the measure of {@code sample} under {@code name}, which has an unmasked token. */
  double of(Sample sample, PerTokenName name) {
    double sum = sample.maskedSum(name);
    return switch (this) {
      case SUM -> sum;
      case TOKEN_MEAN -> sum / sample.maskedTokens();
      case LOG_ODDS -> logOdds(sum / sample.maskedTokens());
    };
  }

  /** Returns the derivative of {@link #of} by the log-probability of one unmasked token. */
  double slope(Sample sample, PerTokenName name) {
    double tokens = sample.maskedTokens();
    return switch (this) {
      case SUM -> 1;
      case TOKEN_MEAN -> 1 / tokens;
      case LOG_ODDS -> {
        double mean = sample.maskedSum(name) / tokens;
        yield isHeld(mean) ? 0 : -1 / (Math.expm1(mean) * tokens);
      }
    };
  }

  private static double logOdds(double mean) {
    return isHeld(mean) ? LARGEST_LOG_ODDS : mean - Math.log(-Math.expm1(mean));
  }

  private static boolean isHeld(double mean) {
    return mean >= -Math.log1p(Math.exp(-LARGEST_LOG_ODDS));
  }
}
