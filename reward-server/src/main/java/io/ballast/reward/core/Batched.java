package io.ballast.reward.core;

import java.time.Duration;
import java.util.Collections;
import java.util.List;

/**
 * What came of one group, and where its time went.
 *
 * @param scores shape [G]
 * @param queue until a worker turned to it
 * @param batchWait waiting for others to share the batch
 * @param infer in the model
 */
record Batched(List<CompletionScores> scores, Duration queue, Duration batchWait, Duration infer) {
  Batched {
    scores = List.copyOf(scores);
  }

  /** Every completion of a group of {@code size} failed for the same reason. */
  static Batched refused(int size, ItemFault fault, Duration queue) {
    return new Batched(
        Collections.nCopies(size, new CompletionScores.Refused(fault)),
        queue,
        Duration.ZERO,
        Duration.ZERO);
  }
}
