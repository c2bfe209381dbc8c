package io.ballast.workshop.scoring;

import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/**
 * Which groups train, which decide when to stop and calibrate, and which are only measured. All
 * groups of a file are on one side.
 *
 * @param train about 80 % of the files
 * @param validation about 10 %
 * @param test about 10 %
 */
record GroupSplit(Part train, Part validation, Part test) {
  private static final int VALIDATION_PERCENT = 10;
  private static final int TEST_PERCENT = 10;

  /** Some groups of a table. Immutable. */
  static final class Part {
    private final int[] groups;

    private Part(int[] groups) {
      this.groups = groups;
    }

    /** The number of groups. */
    int size() {
      return groups.length;
    }

    /** Returns a new array of the groups' indices. */
    int[] groups() {
      return groups.clone();
    }
  }

  /** Splits by the files' names and a seed, whatever the order of the groups. */
  static GroupSplit byFile(FeatureTable table, long seed) {
    return new GroupSplit(
        part(table, seed, VALIDATION_PERCENT + TEST_PERCENT, 100),
        part(table, seed, TEST_PERCENT, VALIDATION_PERCENT + TEST_PERCENT),
        part(table, seed, 0, TEST_PERCENT));
  }

  private static Part part(FeatureTable table, long seed, int from, int to) {
    return new Part(
        IntStream.range(0, table.groups())
            .filter(
                group -> {
                  int percent = percent(table.file(group), seed);
                  return percent >= from && percent < to;
                })
            .toArray());
  }

  private static int percent(String file, long seed) {
    CRC32 sum = new CRC32();
    sum.update((seed + "/" + file).getBytes(StandardCharsets.UTF_8));
    return (int) (sum.getValue() % 100);
  }
}
