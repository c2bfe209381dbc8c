package io.ballast.rl.selection;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;

/**
 * Takes completions that were cut off out of the loss: their reward says nothing of what they would
 * have become.
 *
 * <p>Source: Yu et al. 2025 (DAPO), §3.4, arXiv:2503.14476, where it stands beside the soft penalty
 * ({@code TokenRewards.overlongPenalty}). They stay in their groups, so that group statistics may
 * still count them. Where all are cut off nothing is left, which objectives refuse by name.
 */
public final class OverlongFilter {
  private OverlongFilter() {}

  /**
   * Returns the batch with every token masked of the completions whose {@code TRUNCATED} is 1.
   *
   * @throws IllegalArgumentException if one has no {@code TRUNCATED}, or another number than 0 or 1
   */
  public static Batch masked(Batch batch) {
    return batch.map(
        sample -> isTruncated(sample) ? sample.withAll(PerTokenName.LOSS_MASK, 0) : sample);
  }

  private static boolean isTruncated(Sample sample) {
    double truncated = sample.number(PerSequenceName.TRUNCATED);
    if (truncated != 0 && truncated != 1) {
      throw new IllegalArgumentException("TRUNCATED: " + truncated + " (expected: 0 or 1)");
    }
    return truncated == 1;
  }
}
