package io.ballast.kit.batching;

import io.ballast.kit.call.Lane;

/**
 * A group that waits in a queue.
 *
 * @param sequence which of all that came it is
 * @param arrival when it came, in nanoseconds of the queue's clock
 * @param answer completed early by a caller who leaves
 */
record QueuedJob<K, I, R>(
    BatchGroup<K, I> group, Lane lane, long sequence, long arrival, Pending<R> answer) {
  int size() {
    return group.items().size();
  }

  int weight() {
    return group.weight();
  }

  boolean urgent() {
    return lane == Lane.INTERACTIVE;
  }
}
