package io.ballast.rl.check;

/**
 * Preconditions that name what they refuse: {@code rewards[1]: NaN (expected: finite)}.
 *
 * <p>Every method returns its argument or throws {@link IllegalArgumentException}; none alters
 * anything.
 */
public final class Require {
  private Require() {}

  /** Returns {@code value} if it is neither NaN nor infinite. */
  public static double finite(double value, String name) {
    if (!Double.isFinite(value)) {
      throw refused(name, value, "finite");
    }
    return value;
  }

  /** Returns {@code values} if it has at least one element and all are finite. */
  public static double[] finite(double[] values, String name) {
    notEmpty(values.length, name);
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw refused(name + "[" + i + "]", values[i], "finite");
      }
    }
    return values;
  }

  /** Returns {@code value} if it is finite and above 0. */
  public static double positive(double value, String name) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw refused(name, value, "> 0, finite");
    }
    return value;
  }

  /** Returns {@code value} if it is finite and at least 0. */
  public static double notNegative(double value, String name) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw refused(name, value, ">= 0, finite");
    }
    return value;
  }

  /** Returns {@code value} if {@code low <= value <= high}. */
  public static double inRange(double value, double low, double high, String name) {
    if (!(value >= low && value <= high)) {
      throw refused(name, value, low + " to " + high);
    }
    return value;
  }

  /** Returns {@code value} if it lies in [0, 1]. */
  public static double probability(double value, String name) {
    return inRange(value, 0, 1, name);
  }

  /** Returns {@code values} if it has at least one element and all lie in [0, 1]. */
  public static double[] probabilities(double[] values, String name) {
    notEmpty(values.length, name);
    for (int i = 0; i < values.length; i++) {
      probability(values[i], name + "[" + i + "]");
    }
    return values;
  }

  /** Returns {@code value} if it lies strictly between 0 and 1. */
  public static double openProbability(double value, String name) {
    if (!(value > 0 && value < 1)) {
      throw refused(name, value, "above 0, below 1");
    }
    return value;
  }

  /** Returns {@code value} if {@code value >= low}. */
  public static int atLeast(int value, int low, String name) {
    if (value < low) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + low + ")");
    }
    return value;
  }

  /** Passes if {@code actual == expected}: lengths that must agree, such as rewards and values. */
  public static void sameLength(int actual, int expected, String name) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          name + ": " + actual + " elements (expected: " + expected + ")");
    }
  }

  private static void notEmpty(int length, String name) {
    if (length == 0) {
      throw new IllegalArgumentException(name + ": no elements (expected: at least one)");
    }
  }

  private static IllegalArgumentException refused(String name, double value, String expected) {
    return new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
  }
}
