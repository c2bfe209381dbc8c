package io.ballast.inference.onnx;

import java.util.Arrays;

/**
 * The numbers that a model says of one text, such as those that a head sees of a completion.
 * Immutable.
 */
public final class FeatureVector {
  private final float[] values;

  private FeatureVector(float[] values) {
    this.values = values;
  }

  /** Returns the vector of {@code values}, which are copied. */
  public static FeatureVector of(float... values) {
    return new FeatureVector(values.clone());
  }

  /** The number of features. */
  public int size() {
    return values.length;
  }

  /** Returns the feature at {@code index}, 0 ≤ index &lt; size. */
  public float get(int index) {
    return values[index];
  }

  /** Returns a new array of the numbers. */
  public float[] toArray() {
    return values.clone();
  }

  /**
   * Returns the cosine of the angle between two vectors of one size, −1 to 1 but for rounding; NaN
   * if one of them has no length.
   */
  public double cosine(FeatureVector other) {
    if (values.length != other.values.length) {
      throw new IllegalArgumentException(
          "other: " + other.values.length + " numbers (expected: " + values.length + ")");
    }
    double product = 0;
    double ownSquares = 0;
    double otherSquares = 0;
    for (int i = 0; i < values.length; i++) {
      product += (double) values[i] * other.values[i];
      ownSquares += (double) values[i] * values[i];
      otherSquares += (double) other.values[i] * other.values[i];
    }
    return product / Math.sqrt(ownSquares) / Math.sqrt(otherSquares);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureVector that && Arrays.equals(values, that.values);
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
