package io.ballast.orchestrator.adapter;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What was deleted for its age, in log and metrics. */
public final class RetentionTelemetry implements IntConsumer {
  private static final Logger LOG = LoggerFactory.getLogger(RetentionTelemetry.class);

  private final Counter prompts;

  public RetentionTelemetry(MeterRegistry meters) {
    prompts = meters.counter("ballast.run.expired", "what", "prompts");
  }

  /** The prompts of {@code runs} runs were deleted. */
  @Override
  public void accept(int runs) {
    prompts.increment(runs);
    LOG.info("deleted the prompts of {} runs that ended longer ago than they are kept", runs);
  }
}
