package io.ballast.inference.grammar;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The values that were used last, as many as weigh no more than a limit together. Safe for use by
 * many threads.
 */
final class LastUsed<K, V> {
  private final long maxWeight;
  private final ToIntFunction<V> weight;
  private final Map<K, V> values = new LinkedHashMap<>(32, 0.75f, true);
  private long total;

  LastUsed(long maxWeight, ToIntFunction<V> weight) {
    this.maxWeight = maxWeight;
    this.weight = weight;
  }

  synchronized @Nullable V get(K key) {
    return values.get(key);
  }

  /** Keeps {@code value}, for which others may have to go; not at all if it alone weighs more. */
  synchronized void put(K key, V value) {
    V before = values.put(key, value);
    total += weight.applyAsInt(value) - (before == null ? 0 : weight.applyAsInt(before));
    for (Iterator<V> eldest = values.values().iterator(); total > maxWeight; ) {
      total -= weight.applyAsInt(eldest.next());
      eldest.remove();
    }
  }
}
