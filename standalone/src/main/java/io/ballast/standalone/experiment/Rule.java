package io.ballast.standalone.experiment;

import java.math.BigDecimal;

/**
 * When a claim holds, fixed before its number is known.
 *
 * @param side which end of the interval must lie where
 * @param line the number that it is held against, in the claim's unit
 */
public record Rule(Side side, double line) {
  /** Which end of the interval must lie where. */
  public enum Side {
    /** The lower end lies above the line. */
    ABOVE,
    /** The lower end lies on the line or above. */
    AT_LEAST,
    /** The upper end lies below the line. */
    BELOW,
    /** The lower end lies on the line or below: what was measured does not deny it. */
    NOT_ABOVE
  }

  /** The whole interval lies above {@code line}. */
  public static Rule above(double line) {
    return new Rule(Side.ABOVE, line);
  }

  /** The whole interval lies on {@code line} or above. */
  public static Rule atLeast(double line) {
    return new Rule(Side.AT_LEAST, line);
  }

  /** The whole interval lies below {@code line}. */
  public static Rule below(double line) {
    return new Rule(Side.BELOW, line);
  }

  /**
   * What was measured does not deny that it is {@code line} at most; of a rate that a promise
   * allows to be as high as the line, an interval cannot show more.
   */
  public static Rule notAbove(double line) {
    return new Rule(Side.NOT_ABOVE, line);
  }

  /** Whether an interval is as the claim says, all of it or as much as its side asks. */
  boolean holds(double low, double high) {
    return switch (side) {
      case ABOVE -> low > line;
      case AT_LEAST -> low >= line;
      case BELOW -> high < line;
      case NOT_ABOVE -> low <= line;
    };
  }

  /** Whether an interval is as the claim denies, all of it. */
  boolean contradicts(double low, double high) {
    return switch (side) {
      case ABOVE, AT_LEAST -> high < line;
      case BELOW, NOT_ABOVE -> low > line;
    };
  }

  /** The rule in words. */
  String words() {
    String number = new BigDecimal(Double.toString(line)).stripTrailingZeros().toPlainString();
    return switch (side) {
      case ABOVE -> "low > " + number;
      case AT_LEAST -> "low ≥ " + number;
      case BELOW -> "high < " + number;
      case NOT_ABOVE -> "low ≤ " + number;
    };
  }
}
