package io.ballast.safety.core.gatefit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Which examples stand for all that will come, each having been shown with the same probability.
 *
 * <p>There are two ways to have such: all examples, thinned to the rarest, or those alone in which
 * no gate had a say. A log of SHADOW mode with a few weeks of a gate in force has many of the
 * second and few of the first.
 *
 * @param ungatedOnly whether the second way is taken
 */
record EqualChances(boolean ungatedOnly) {
  /**
   * Chooses the way that keeps more.
   *
   * @param log is told what each keeps, where that differs from everything
   * @throws UnusableLogException if a gate withheld what could not have been seen, and no example
   *     is free of its say
   */
  static EqualChances of(GateTable table, Consumer<String> log) throws UnusableLogException {
    List<Integer> all = IntStream.range(0, table.size()).boxed().toList();
    List<Integer> free = all.stream().filter(table::ungated).toList();
    double ofAll = kept(table, all);
    double ofFree = kept(table, free);
    if (table.neverToBeSeen() > 0) {
      String share =
          String.format(
              Locale.ROOT,
              "%,d of %,d decisions (%.1f %%) were withheld by a gate that could not have shown them,"
                  + " and nobody knows what would have come of them",
              table.neverToBeSeen(),
              table.decisions(),
              100.0 * table.neverToBeSeen() / table.decisions());
      if (free.isEmpty()) {
        throw new UnusableLogException(
            share + " (expected: a gate that explores, or decisions of SHADOW mode)");
      }
      log.accept(share + ": only those in which no gate had a say calibrate, decide and measure");
      return new EqualChances(true);
    }
    boolean onlyFree = ofFree > ofAll;
    if (Math.round(ofAll) < all.size()) {
      log.accept(
          String.format(
              Locale.ROOT,
              "shown with equal probability: %,.0f of %,d decisions thinned to the rarest (%s), %,.0f"
                  + " in which no gate had a say; the %s calibrate, decide and measure",
              ofAll,
              all.size(),
              least(table, all),
              ofFree,
              onlyFree ? "latter" : "former"));
    }
    return new EqualChances(onlyFree);
  }

  /**
   * Whether all that users decided is there. If not, of each user some decisions are left by
   * chance, and of some users none.
   */
  boolean whole(GateTable table) {
    return table.hidden(ungatedOnly) == 0
        && IntStream.range(0, table.size())
            .filter(row -> !ungatedOnly || table.ungated(row))
            .allMatch(row -> table.propensity(row) == 1);
  }

  /** Keeps each example with probability least/own propensity. */
  List<Integer> of(GateTable table, List<Integer> rows, SplittableRandom random) {
    List<Integer> from = ungatedOnly ? rows.stream().filter(table::ungated).toList() : rows;
    double least = least(table, from);
    List<Integer> left = new ArrayList<>();
    for (int row : from) {
      if (random.nextDouble() * table.propensity(row) < least) {
        left.add(row);
      }
    }
    return left;
  }

  private static double kept(GateTable table, List<Integer> rows) {
    double least = least(table, rows);
    return rows.stream().mapToDouble(row -> least / table.propensity(row)).sum();
  }

  private static double least(GateTable table, List<Integer> rows) {
    return rows.stream().mapToDouble(table::propensity).min().orElse(1);
  }
}
