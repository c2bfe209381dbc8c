package io.ballast.policy.adapter;

import io.ballast.kit.redaction.Wordless;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.outage.OutageMonitor;
import io.ballast.policy.core.outage.Spooled;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Outages of the database in numbers and log lines; the module's README lists the names. */
public final class OutageTelemetry implements OutageMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(OutageTelemetry.class);

  private final MeterRegistry meters;
  private final AtomicInteger away = new AtomicInteger();
  private final Counter dropped;
  private final Counter refused;

  public OutageTelemetry(MeterRegistry meters) {
    this.meters = meters;
    this.dropped = meters.counter("ballast.policy.decisions.dropped");
    this.refused = meters.counter("ballast.policy.spool.refused");
    var unused =
        Gauge.builder("ballast.policy.database.away", away, AtomicInteger::get).register(meters);
  }

  @Override
  public void lost(Throwable why) {
    away.set(1);
    LOG.warn(
        "the database is away: {}; what is configured to go on without it does", why.getMessage());
  }

  @Override
  public void back() {
    away.set(0);
    LOG.info("the database is back");
  }

  @Override
  public void spooled(Spooled record) {
    meters.counter("ballast.policy.spool.kept", "kind", record.kind()).increment();
  }

  @Override
  public void dropped() {
    dropped.increment();
  }

  @Override
  public void replayed(Spooled record) {
    meters.counter("ballast.policy.spool.replayed", "kind", record.kind()).increment();
  }

  @Override
  public void refused(Spooled.Feedback event, String why) {
    refused.increment();
    FeedbackCommand command = event.command();
    LOG.warn(
        "event {} of tenant {} on suggestion {} was acknowledged while the database was away and"
            + " cannot be recorded: {}; it is kept in the table feedback_refused",
        event.eventId(),
        command.caller().tenant(),
        command.suggestionId(),
        why);
  }

  @Override
  public void stuck(Spooled record, RuntimeException why) {
    LOG.error(
        "a {} of {} that waited for the database cannot be stored, and all that came later waits"
            + " for it",
        record.kind(),
        record.since(),
        Wordless.of(why));
  }
}
