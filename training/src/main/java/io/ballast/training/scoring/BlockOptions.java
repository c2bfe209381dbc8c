package io.ballast.training.scoring;

/**
 * How members' own blocks are trained.
 *
 * @param passes the most over the groups, ≥ 1; the heads' own limit holds too
 * @param patience passes without a better validation loss before it stops, ≥ 1
 * @param learningRate of AdamW, of the blocks and, from then on, of the head, &gt; 0
 * @param weightDecay of the blocks' matrices, decoupled, ≥ 0
 * @param keptBytes of memory for what the shared blocks say, so that each row is computed by them
 *     once; rows beyond it are computed at every pass, ≥ 0
 */
public record BlockOptions(
    int passes, int patience, double learningRate, double weightDecay, long keptBytes) {
  /** 8 passes, patience 2, rate 0.0001, decay 0.01, 512 MiB. */
  public static BlockOptions defaults() {
    return new BlockOptions(8, 2, 1e-4, 0.01, 512L << 20);
  }

  /** The same at another rate. */
  public BlockOptions withLearningRate(double rate) {
    return new BlockOptions(passes, patience, rate, weightDecay, keptBytes);
  }

  /** Checks the ranges above. */
  public BlockOptions {
    if (passes < 1 || patience < 1 || !(learningRate > 0) || !(weightDecay >= 0) || keptBytes < 0) {
      throw new IllegalArgumentException(
          "own blocks: %d passes, patience %d, rate %s, decay %s, %d bytes (expected: ≥ 1, ≥ 1, > 0, ≥ 0, ≥ 0)"
              .formatted(passes, patience, learningRate, weightDecay, keptBytes));
    }
  }
}
