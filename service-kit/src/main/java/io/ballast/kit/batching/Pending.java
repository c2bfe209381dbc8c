package io.ballast.kit.batching;

import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An answer of a queue that is on its way, and how far it is. Thread-safe. */
final class Pending<R> extends CompletableFuture<Batched<R>> {
  private volatile @Nullable Begun begun;

  /** Where its time went until its batch went to the engine, and when that was. */
  private record Begun(Duration queue, Duration batchWait, long nanos) {}

  /**
   * Its batch goes to the engine.
   *
   * @param nanos when, by the queue's clock
   */
  void begin(Duration queue, Duration batchWait, long nanos) {
    begun = new Begun(queue, batchWait, nanos);
  }

  /**
   * What it is to a caller who waits for it no longer: every item failed in the same way. Of the
   * time that the caller waited, what it was in the engine is no wait for its turn.
   *
   * @param size items that it is of
   * @param waited how long the caller has waited
   * @param nanos now, by the queue's clock
   */
  Batched<R> givenUp(int size, R refusal, Duration waited, long nanos) {
    Begun turn = begun;
    if (turn == null) {
      return Batched.refused(size, refusal, waited);
    }
    Duration infer = shorter(Duration.ofNanos(Math.max(0, nanos - turn.nanos())), waited);
    Duration batchWait = shorter(turn.batchWait(), waited.minus(infer));
    Duration queue = shorter(turn.queue(), waited.minus(infer).minus(batchWait));
    return new Batched<>(Collections.nCopies(size, refusal), queue, batchWait, infer);
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) <= 0 ? a : b;
  }
}
