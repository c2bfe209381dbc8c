package io.ballast.training.data;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Which judgements train, which decide when to stop and calibrate, and which are only measured. All
 * that share a key are on one side, whatever the order of a file and whatever else is in it.
 *
 * @param seed of the split
 * @param validationPercent about this share of the keys, ≥ 1
 * @param testPercent about this share of the keys, ≥ 1; with the former below 100
 */
public record SplitRule(long seed, int validationPercent, int testPercent) {
  /** A side of the split. */
  public enum Part {
    /** Learned from. */
    TRAIN,
    /** Decides when to stop, and calibrates. */
    VALIDATION,
    /** Only measured. */
    TEST
  }

  public SplitRule {
    if (validationPercent < 1 || testPercent < 1 || validationPercent + testPercent > 99) {
      throw new IllegalArgumentException(
          "held out: %d and %d percent (expected: ≥ 1 each, together below 100)"
              .formatted(validationPercent, testPercent));
    }
  }

  /** A tenth to stop and calibrate, a tenth to measure. */
  public static SplitRule tenths(long seed) {
    return new SplitRule(seed, 10, 10);
  }

  /** Returns the side of {@code key}. */
  public Part of(String key) {
    CRC32 sum = new CRC32();
    sum.update((seed + "/" + key).getBytes(StandardCharsets.UTF_8));
    int percent = (int) (sum.getValue() % 100);
    return percent < testPercent
        ? Part.TEST
        : percent < testPercent + validationPercent ? Part.VALIDATION : Part.TRAIN;
  }
}
