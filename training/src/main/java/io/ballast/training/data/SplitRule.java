package io.ballast.training.data;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
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
    if (validationPercent < 1 || testPercent < 1 || (long) validationPercent + testPercent > 99) {
      throw new IllegalArgumentException(
          "held out: %d and %d percent (expected: ≥ 1 each, together below 100)"
              .formatted(validationPercent, testPercent));
    }
  }

  /** A tenth to stop and calibrate, a tenth to measure. */
  public static SplitRule tenths(long seed) {
    return new SplitRule(seed, 10, 10);
  }

  /**
   * Returns a rule by which the last keys, in the order of their characters, are only measured and
   * those just before them decide when to stop: what is later in time, if the keys are times.
   *
   * @param keys of all that is to be split, one for each; equal ones are on one side, the later
   */
  public Function<String, Part> later(List<String> keys) {
    List<String> sorted = keys.stream().sorted().toList();
    String measured = first(sorted, testPercent);
    String stopping = first(sorted, testPercent + validationPercent);
    return key ->
        key.compareTo(measured) >= 0
            ? Part.TEST
            : key.compareTo(stopping) >= 0 ? Part.VALIDATION : Part.TRAIN;
  }

  /** The first of the last {@code percent} of the keys, of at least one. */
  private static String first(List<String> sorted, int percent) {
    long held = (sorted.size() * (long) percent + 99) / 100;
    return sorted.isEmpty() ? "" : sorted.get((int) (sorted.size() - held));
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
