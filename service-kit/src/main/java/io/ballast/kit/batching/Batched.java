package io.ballast.kit.batching;

import java.time.Duration;
import java.util.Collections;
import java.util.List;

/**
 * What came of one group, and where its time went.
 *
 * @param results shape [items of the group]
 * @param queue until a worker turned to it
 * @param batchWait waiting for others to share the batch
 * @param infer in the engine
 */
public record Batched<R>(List<R> results, Duration queue, Duration batchWait, Duration infer) {
  public Batched {
    results = List.copyOf(results);
  }

  /** Every item of a group of {@code size} failed in the same way. */
  public static <R> Batched<R> refused(int size, R refusal, Duration queue) {
    return new Batched<>(Collections.nCopies(size, refusal), queue, Duration.ZERO, Duration.ZERO);
  }
}
