package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.run.PromptRetention;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What was deleted for its age, in log and metrics. */
public final class RetentionTelemetry implements PromptRetention.Monitor {
  private static final Logger LOG = LoggerFactory.getLogger(RetentionTelemetry.class);

  private static final String EXPIRED = "ballast.run.expired";

  private final Counter prompts;
  private final Counter samples;

  public RetentionTelemetry(MeterRegistry meters) {
    prompts = meters.counter(EXPIRED, "what", "prompts");
    samples = meters.counter(EXPIRED, "what", "samples");
  }

  @Override
  public void promptsDeleted(int runs) {
    prompts.increment(runs);
    LOG.info("deleted the prompts of {} runs that ended longer ago than they are kept", runs);
  }

  @Override
  public void samplesDeleted(int runs) {
    samples.increment(runs);
    LOG.info(
        "deleted samples of skipped updates of {} runs that ended longer ago than they are kept",
        runs);
  }
}
