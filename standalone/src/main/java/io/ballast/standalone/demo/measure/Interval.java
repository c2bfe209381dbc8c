package io.ballast.standalone.demo.measure;

/**
 * A figure with its 95 % interval.
 *
 * @param value finite
 * @param low at most {@code value}
 * @param high at least {@code value}
 */
public record Interval(double value, double low, double high) {
  public Interval {
    if (!(Double.isFinite(value) && low <= value && value <= high)) {
      throw new IllegalArgumentException(
          "interval: %s [%s, %s] (expected: finite, low ≤ value ≤ high)"
              .formatted(value, low, high));
    }
  }

  /** Whether 0 lies outside, so that the sign of the figure is more than noise. */
  public boolean excludesZero() {
    return low > 0 || high < 0;
  }

  /** Returns the same figure with its ends kept within {@code least} and {@code most}. */
  public Interval within(double least, double most) {
    return new Interval(
        value, Math.min(value, Math.max(low, least)), Math.max(value, Math.min(high, most)));
  }
}
