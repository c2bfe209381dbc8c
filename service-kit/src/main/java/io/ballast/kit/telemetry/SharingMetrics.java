package io.ballast.kit.telemetry;

import io.ballast.kit.batching.SharedAnswers;
import io.ballast.kit.batching.SharingCounts;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToLongFunction;

/** Tells how much work a server shares, in {@code <prefix>.cache.*}. */
public final class SharingMetrics {
  private SharingMetrics() {}

  /**
   * Registers them.
   *
   * @param prefix such as {@code ballast.reward}
   */
  public static void register(MeterRegistry meters, String prefix, SharedAnswers<?, ?, ?> answers) {
    counter(meters, prefix, "hits", answers, SharingCounts::hits);
    counter(meters, prefix, "misses", answers, SharingCounts::misses);
    counter(meters, prefix, "joins", answers, SharingCounts::joins);
    counter(meters, prefix, "evictions", answers, SharingCounts::evictions);
    var unused =
        Gauge.builder(prefix + ".cache.bytes", answers, shared -> shared.counts().bytes())
            .register(meters);
  }

  private static void counter(
      MeterRegistry meters,
      String prefix,
      String name,
      SharedAnswers<?, ?, ?> answers,
      ToLongFunction<SharingCounts> value) {
    var unused =
        FunctionCounter.builder(
                prefix + ".cache." + name,
                answers,
                shared -> (double) value.applyAsLong(shared.counts()))
            .register(meters);
  }
}
