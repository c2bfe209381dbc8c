package io.ballast.kit.batching;

import io.ballast.kit.call.ItemFault;
import java.util.List;

/**
 * What {@link SharedAnswers} must know of the work that it shares.
 *
 * @param <K> what the items of a group share
 * @param <I> one piece of work; with its key it says all that its result depends on, beside the
 *     version
 * @param <R> what comes of one piece of work: a value or a typed refusal
 */
public interface Shareable<K, I, R> {
  /** How much work a group is, in the unit of {@link QueueLimits}, ≥ 0. */
  int weight(K key, List<I> items);

  /** Whether a result is whole and would be the same again, so that it may be kept. */
  boolean lasting(R result);

  /** The memory that a kept result takes with what it is found by, in bytes, ≥ 1. */
  int bytes(K key, I item, R result);

  /** A result of what kept an item from being answered. */
  R refused(ItemFault fault);
}
