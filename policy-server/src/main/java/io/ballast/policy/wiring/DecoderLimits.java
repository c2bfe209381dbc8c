package io.ballast.policy.wiring;

import com.sun.management.OperatingSystemMXBean;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.policy.config.PolicyConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.lang.management.ManagementFactory;

/** What decoders may take, where the operator left it to the machine. */
final class DecoderLimits {
  /** Of the budget, one version's keys and values get the fifth part. */
  private static final int VERSIONS = 5;

  /** And an eighth of that is kept of prompts' beginnings. */
  private static final int PREFIXES = 8;

  private DecoderLimits() {}

  /** What all decoders of this process may take together, in bytes. */
  static long memoryBytes(PolicyConfig.Engine engine) {
    if (engine.memoryMebibytes().isPresent()) {
      return engine.memoryMebibytes().getAsLong() << 20;
    }
    OperatingSystemMXBean machine =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return MemoryBudget.defaultBytes(
        machine.getTotalMemorySize(), Runtime.getRuntime().maxMemory());
  }

  /** How much one decoder takes on at once within such a budget. */
  static ServingOptions serving(PolicyConfig.Engine engine, long memoryBytes) {
    ServingOptions defaults = ServingOptions.defaults();
    long keyValueBytes =
        engine.keyValueMebibytes().isPresent()
            ? engine.keyValueMebibytes().getAsLong() << 20
            : Math.clamp(memoryBytes / VERSIONS, 1, defaults.keyValueBytes());
    return defaults
        .withArithmetic(Arithmetic.of(engine.arithmetic()))
        .withKeyValueBytes(keyValueBytes)
        .withPrefixCacheBytes(Math.min(defaults.prefixCacheBytes(), keyValueBytes / PREFIXES))
        .withBatchInvariant(engine.batchInvariant())
        .withDecodeLanes(engine.decodeLanes());
  }

  /** Shows the budget and what is reserved of it. */
  static void register(MeterRegistry meters, MemoryBudget memory) {
    var unused =
        Gauge.builder("ballast.policy.memory.limit.bytes", memory, MemoryBudget::limitBytes)
            .register(meters);
    unused =
        Gauge.builder("ballast.policy.memory.reserved.bytes", memory, MemoryBudget::takenBytes)
            .register(meters);
  }
}
