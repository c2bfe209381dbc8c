package io.ballast.kit.batching;

import java.util.List;

/**
 * Work that shares a beginning, such as the completions of one prompt.
 *
 * @param key what is shared; groups of equal keys are joined in a batch, whoever asks
 * @param items the pieces of work, in order
 * @param weight how much work it is, in the unit of {@link QueueLimits}, ≥ 0
 */
public record BatchGroup<K, I>(K key, List<I> items, int weight) {
  public BatchGroup {
    items = List.copyOf(items);
  }
}
