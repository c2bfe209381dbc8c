package io.ballast.workshop.collect;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How much a decoder sees and says.
 *
 * @param promptTokens the most prompt tokens, the last ones, ≥ 1
 * @param newTokens the most tokens of a completion, ≥ 1
 */
public record DrawShape(int promptTokens, int newTokens) {
  /** What a suggestion gets by default. */
  public static final DrawShape SERVING = new DrawShape(96, 24);

  /** What a run's samples get by default. */
  public static final DrawShape TRAINING = new DrawShape(64, 12);

  public DrawShape {
    if (promptTokens < 1 || newTokens < 1) {
      throw new IllegalArgumentException(
          "shape: " + promptTokens + "/" + newTokens + " (expected: ≥ 1/≥ 1)");
    }
  }

  @Override
  public String toString() {
    return promptTokens + "/" + newTokens;
  }

  /** Reads {@code 96/24}. */
  static final class Converter implements ITypeConverter<DrawShape> {
    @Override
    public DrawShape convert(String value) {
      String[] parts = value.split("/", -1);
      try {
        if (parts.length == 2) {
          return new DrawShape(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
        }
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(value + ": " + e.getMessage());
      }
      throw new TypeConversionException(value + " (expected: prompt/new tokens, such as 96/24)");
    }
  }
}
