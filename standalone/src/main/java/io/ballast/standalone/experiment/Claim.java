package io.ballast.standalone.experiment;

import io.ballast.rl.bound.Interval;

/**
 * One claim with what was measured of it.
 *
 * @param claim a sentence that can be true or false, with its unit
 * @param source the paper and the place in it, or where else it is from
 * @param value what was measured
 * @param low of its interval
 * @param high of its interval
 * @param rule when it holds
 * @param missing why nothing could be measured, and then the numbers are none (NaN); empty: it was
 */
public record Claim(
    String claim, String source, double value, double low, double high, Rule rule, String missing) {
  /** What the measurement says of the claim. */
  public enum Verdict {
    /** The whole interval is as the claim says. */
    HOLDS,
    /** The interval does not decide. */
    NOT_SHOWN,
    /** The whole interval is as the claim denies. */
    CONTRADICTED,
    /** There is no number, and so it does not hold. */
    NOT_MEASURED;

    /** In words. */
    public String words() {
      return switch (this) {
        case HOLDS -> "holds";
        case NOT_SHOWN -> "not shown";
        case CONTRADICTED -> "contradicted";
        case NOT_MEASURED -> "not measured";
      };
    }
  }

  /** Checks that the numbers are numbers, in order. */
  public Claim {
    if (missing.isEmpty()
        && (!(low <= value && value <= high) || !Double.isFinite(low) || !Double.isFinite(high))) {
      throw new IllegalArgumentException(
          "%s: %s in [%s, %s] (expected: finite, low ≤ value ≤ high)"
              .formatted(claim, value, low, high));
    }
  }

  /** What was measured. */
  public Claim(String claim, String source, double value, double low, double high, Rule rule) {
    this(claim, source, value, low, high, rule, "");
  }

  /** A claim of which nothing could be measured: it does not hold. */
  public static Claim notMeasured(String claim, String source, Rule rule, String why) {
    return new Claim(
        claim, source, Double.NaN, Double.NaN, Double.NaN, rule, why.isEmpty() ? "unknown" : why);
  }

  /** A claim of an estimate with its interval. */
  public static Claim of(String claim, String source, Interval measured, Rule rule) {
    return new Claim(claim, source, measured.estimate(), measured.low(), measured.high(), rule);
  }

  /** Whether there is a number. */
  public boolean measured() {
    return missing.isEmpty();
  }

  /** Whether the whole interval is as the claim says. */
  public boolean holds() {
    return measured() && rule.holds(low, high);
  }

  /** What the measurement says. */
  public Verdict verdict() {
    if (!measured()) {
      return Verdict.NOT_MEASURED;
    }
    if (holds()) {
      return Verdict.HOLDS;
    }
    return rule.contradicts(low, high) ? Verdict.CONTRADICTED : Verdict.NOT_SHOWN;
  }
}
