package io.ballast.inference.triton;

/** The value of a parameter or setting. */
public sealed interface ParameterValue {
  /** A truth value. */
  record Truth(boolean value) implements ParameterValue {}

  /** A whole number. */
  record Whole(long value) implements ParameterValue {}

  /** A whole number that is not negative: the bits of a long. */
  record Natural(long value) implements ParameterValue {}

  /** A number. */
  record Real(double value) implements ParameterValue {}

  /** A text. */
  record Text(String value) implements ParameterValue {}

  static ParameterValue of(boolean value) {
    return new Truth(value);
  }

  static ParameterValue of(long value) {
    return new Whole(value);
  }

  static ParameterValue of(double value) {
    return new Real(value);
  }

  static ParameterValue of(String value) {
    return new Text(value);
  }
}
