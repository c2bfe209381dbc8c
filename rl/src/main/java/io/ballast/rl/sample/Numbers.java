package io.ballast.rl.sample;

import io.ballast.rl.check.Require;
import java.util.Arrays;

/** A fixed list of finite numbers, read by index: what records hold instead of arrays. */
public final class Numbers {
  private final double[] values;

  private Numbers(double[] values) {
    this.values = values;
  }

  /**
   * Returns a copy of {@code values}.
   *
   * @throws IllegalArgumentException if one is NaN or infinite
   */
  public static Numbers of(double... values) {
    if (values.length > 0) {
      Require.finite(values, "numbers");
    }
    return new Numbers(values.clone());
  }

  /** Returns {@code value}, finite, {@code size} times. */
  public static Numbers repeated(double value, int size) {
    double[] values = new double[Require.atLeast(size, 0, "size")];
    Arrays.fill(values, Require.finite(value, "value"));
    return new Numbers(values);
  }

  /** How many there are. */
  public int size() {
    return values.length;
  }

  /** The number at {@code index}, 0 to size − 1. */
  public double get(int index) {
    return values[index];
  }

  /** The sum; 0 for none. */
  public double sum() {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  /** A copy, which the caller may alter. */
  public double[] toArray() {
    return values.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Numbers that && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return Arrays.toString(values);
  }
}
