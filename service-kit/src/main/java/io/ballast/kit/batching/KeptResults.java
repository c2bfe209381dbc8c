package io.ballast.kit.batching;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToIntBiFunction;

/**
 * Results that are kept for the next who asks, up to so many bytes; those of least use go first.
 * Thread-safe.
 */
final class KeptResults<Q, R> {
  private final boolean on;
  private final Cache<Q, R> kept;
  private final LongAdder evictions = new LongAdder();

  /**
   * @param mostBytes of all that is kept; 0: nothing is
   * @param bytes of one question with its result, ≥ 1
   */
  KeptResults(long mostBytes, ToIntBiFunction<Q, R> bytes) {
    on = mostBytes > 0;
    kept =
        Caffeine.newBuilder()
            .evictionListener((question, result, cause) -> evictions.increment())
            .executor(Runnable::run) // a put is followed by its evictions
            .maximumWeight(mostBytes)
            .weigher((Q question, R result) -> bytes.applyAsInt(question, result))
            .build();
  }

  Optional<R> get(Q question) {
    return on ? Optional.ofNullable(kept.getIfPresent(question)) : Optional.empty();
  }

  void put(Q question, R result) {
    if (on) {
      kept.put(question, result);
    }
  }

  long evictions() {
    return evictions.sum();
  }

  long bytes() {
    return kept.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }
}
