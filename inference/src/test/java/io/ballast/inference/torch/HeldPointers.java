package io.ballast.inference.torch;

import org.bytedeco.javacpp.Pointer;

/**
 * How many native objects Java holds. The collector frees what nobody refers to, leaked or not, and
 * so hides both: it is done with all garbage before one counts for the first time, and is not asked
 * again before one counts for the second.
 */
final class HeldPointers {
  /** So often in a row the collector must find nothing to free. */
  private static final int QUIET_ROUNDS = 3;

  private HeldPointers() {}

  /** Frees all garbage, then counts. */
  static long withoutGarbage() {
    long count = Pointer.totalCount();
    int quiet = 0;
    while (quiet < QUIET_ROUNDS) {
      System.gc();
      Pointer.deallocateReferences();
      long now = Pointer.totalCount();
      quiet = now == count ? quiet + 1 : 0;
      count = now;
    }
    return count;
  }

  /** Counts, garbage included. */
  static long now() {
    return Pointer.totalCount();
  }
}
