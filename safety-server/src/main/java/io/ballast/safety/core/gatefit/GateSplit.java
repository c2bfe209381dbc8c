package io.ballast.safety.core.gatefit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Which examples are used for what. A user's examples stay together, so that what is measured is
 * measured on people who trained nothing.
 *
 * @param train to grow trees, shape indices of the table
 * @param calibration to stop, to calibrate and to fix the rules that are tried
 * @param lines to decide among those
 * @param test to measure
 */
record GateSplit(
    List<Integer> train, List<Integer> calibration, List<Integer> lines, List<Integer> test) {
  private static final int LEAST_USERS = 4;
  private static final int LEAST_EXAMPLES = 100;
  private static final double[] SHARES = {0.45, 0.2, 0.2, 0.15};

  /**
   * Splits by user, at random: whoever has many examples is in each part with the same probability
   * as whoever has few, so that what is decided and measured is so of both.
   *
   * @param seed of the order of users
   * @throws UnusableLogException if there are too few examples or users, or a part has no example
   *     of either outcome
   */
  static GateSplit of(GateTable table, long seed) throws UnusableLogException {
    if (table.size() < LEAST_EXAMPLES) {
      throw new UnusableLogException(
          "%,d of %,d decisions were shown and answered (expected: at least %,d)"
              .formatted(table.size(), table.decisions(), LEAST_EXAMPLES));
    }
    require(table, row -> true, "decisions", "");
    List<String> users = new ArrayList<>(table.users());
    if (users.size() < LEAST_USERS) {
      throw new UnusableLogException(
          "%d user%s (expected: at least %d, since a gate is measured on people who trained nothing)"
              .formatted(users.size(), users.size() == 1 ? "" : "s", LEAST_USERS));
    }
    Collections.sort(users);
    Collections.shuffle(users, Random.from(new SplittableRandom(seed)));
    int[] ends = ends(users.size());
    Map<String, Integer> partOf = new HashMap<>();
    for (int i = 0, part = 0; i < users.size(); i++) {
      while (i >= ends[part]) {
        part++;
      }
      partOf.put(users.get(i), part);
    }
    List<List<Integer>> parts = new ArrayList<>();
    String[] purposes = {"train", "calibrate", "draw the lines", "measure"};
    for (int part = 0; part < SHARES.length; part++) {
      int wanted = part;
      Predicate<Integer> inside =
          row -> partOf.getOrDefault(table.user(row), -1).intValue() == wanted;
      require(table, inside, "decisions to " + purposes[part], "; collect from more users");
      parts.add(IntStream.range(0, table.size()).boxed().filter(inside).toList());
    }
    return new GateSplit(parts.get(0), parts.get(1), parts.get(2), parts.get(3));
  }

  /** Where the parts of so many users end: shares as near as can be, at least one user each. */
  private static int[] ends(int users) {
    int[] ends = new int[SHARES.length];
    double share = 0;
    for (int part = 0; part < ends.length; part++) {
      share += SHARES[part];
      int least = part + 1;
      int most = users - (ends.length - 1 - part);
      int before = part == 0 ? 0 : ends[part - 1] + 1;
      ends[part] =
          Math.clamp(Math.round(share * users), Math.max(least, before), Math.max(most, before));
    }
    return ends;
  }

  private static void require(
      GateTable table, Predicate<Integer> inside, String what, String remedy)
      throws UnusableLogException {
    int[] rows = IntStream.range(0, table.size()).filter(inside::test).toArray();
    long kept = Arrays.stream(rows).filter(table::kept).count();
    if (kept == 0 || kept == rows.length) {
      throw new UnusableLogException(
          "%s: %,d of %,d kept (expected: some, not all%s)"
              .formatted(what, kept, rows.length, remedy));
    }
  }
}
