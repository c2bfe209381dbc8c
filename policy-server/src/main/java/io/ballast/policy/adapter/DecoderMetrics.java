package io.ballast.policy.adapter;

import io.ballast.inference.api.DecoderStatistics;
import io.ballast.kit.call.Lane;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * What the loaded decoders have done and have under way, all versions together; the module's README
 * lists the names. A count falls when a version is unloaded, as it does at a restart.
 */
public final class DecoderMetrics {
  private final MeterRegistry meters;
  private final Supplier<List<DecoderStatistics>> decoders;

  private DecoderMetrics(MeterRegistry meters, Supplier<List<DecoderStatistics>> decoders) {
    this.meters = meters;
    this.decoders = decoders;
  }

  /** Registers every meter. */
  public static void register(MeterRegistry meters, Supplier<List<DecoderStatistics>> decoders) {
    new DecoderMetrics(meters, decoders).register();
  }

  private void register() {
    gauge("active.rows", DecoderStatistics::activeRows);
    for (Lane lane : Lane.values()) {
      var unused =
          Gauge.builder(
                  "ballast.policy.decoder.waiting.rows",
                  () -> sum(one -> one.waitingRows().getOrDefault(lane, 0)))
              .tag("lane", lane.name().toLowerCase(Locale.ROOT))
              .register(meters);
    }
    gauge("kv.bytes", DecoderStatistics::keyValueBytes);
    gauge("kv.reserved.bytes", DecoderStatistics::keyValueReservedBytes);
    gauge("kv.limit.bytes", DecoderStatistics::keyValueLimitBytes);
    gauge("prefix.bytes", DecoderStatistics::prefixBytes);
    counter("prompt.tokens", DecoderStatistics::promptTokens);
    counter("prefix.hit.tokens", DecoderStatistics::prefixHitTokens);
    counter("prefilled.tokens", DecoderStatistics::prefilledTokens);
    counter("drawn.tokens", DecoderStatistics::drawnTokens);
    counter("steps", DecoderStatistics::steps);
    counter("preemptions", DecoderStatistics::preemptions);
  }

  private double sum(ToDoubleFunction<DecoderStatistics> value) {
    return decoders.get().stream().mapToDouble(value).sum();
  }

  private void gauge(String name, ToDoubleFunction<DecoderStatistics> value) {
    var unused = Gauge.builder("ballast.policy.decoder." + name, () -> sum(value)).register(meters);
  }

  private void counter(String name, ToDoubleFunction<DecoderStatistics> value) {
    var unused =
        FunctionCounter.builder("ballast.policy.decoder." + name, this, metrics -> sum(value))
            .register(meters);
  }
}
