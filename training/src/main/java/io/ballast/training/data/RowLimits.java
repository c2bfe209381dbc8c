package io.ballast.training.data;

/**
 * How large a row may be.
 *
 * @param maxRowBytes of a line, ≥ 1
 * @param maxTextBytes of a prompt or completion in UTF-8, ≥ 1
 */
public record RowLimits(int maxRowBytes, int maxTextBytes) {
  public RowLimits {
    if (maxRowBytes < 1 || maxTextBytes < 1) {
      throw new IllegalArgumentException(
          "limits: " + maxRowBytes + ", " + maxTextBytes + " bytes (expected: ≥ 1)");
    }
  }

  /** 8 MiB a line, 1 MiB a text. */
  public static RowLimits defaults() {
    return new RowLimits(8 << 20, 1 << 20);
  }
}
