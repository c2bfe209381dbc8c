package io.ballast.workshop.pretrain;

import java.util.Random;

/**
 * The rows that each step trains on: windows of the token sequence in an order drawn anew for each
 * pass, so that step and seed alone say what comes.
 */
final class Batches {
  private final TokenFile tokens;
  private final int rows;
  private final int length;
  private final long seed;
  private final int windows;
  private long pass = -1;
  private int[] order = new int[0];

  Batches(TokenFile tokens, int rows, int length, long seed) {
    this.tokens = tokens;
    this.rows = rows;
    this.length = length;
    this.seed = seed;
    this.windows = tokens.windows(length);
    if (windows == 0) {
      throw new IllegalArgumentException("tokens: fewer than one window of " + length);
    }
  }

  /** Returns the rows of {@code step} ≥ 0, shape [rows][length + 1]. */
  int[][] at(long step) {
    int[][] batch = new int[rows][];
    for (int r = 0; r < rows; r++) {
      long index = step * rows + r;
      shuffleFor(index / windows);
      batch[r] = tokens.window(order[(int) (index % windows)] * length, length);
    }
    return batch;
  }

  private void shuffleFor(long wanted) {
    if (pass == wanted) {
      return;
    }
    pass = wanted;
    Random random = new Random(seed + wanted);
    order = new int[windows];
    for (int i = 0; i < windows; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
  }
}
