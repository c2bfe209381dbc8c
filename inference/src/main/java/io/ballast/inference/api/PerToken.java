package io.ballast.inference.api;

import java.util.Arrays;

/** One number for each token of a sequence, such as its log-probability in nats. Immutable. */
public final class PerToken {
  private final float[] values;

  private PerToken(float[] values) {
    this.values = values;
  }

  /** Returns the sequence of {@code values}, which are copied. */
  public static PerToken of(float... values) {
    return new PerToken(values.clone());
  }

  /** The number of tokens. */
  public int size() {
    return values.length;
  }

  /** Returns the number at {@code index}, 0 ≤ index &lt; size. */
  public float get(int index) {
    return values[index];
  }

  /** The sum over all tokens; 0 for none. */
  public double sum() {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  /** Returns a new array of the numbers. */
  public float[] toArray() {
    return values.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PerToken that && Arrays.equals(values, that.values);
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
