package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.learner.LearnerSession;
import io.ballast.orchestrator.core.learner.SessionMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions in log and metrics. */
public final class SessionTelemetry implements SessionMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(SessionTelemetry.class);
  private static final String EVICTED = "ballast.learner.sessions.evicted";

  private final Counter sameTenant;
  private final Counter otherTenant;

  public SessionTelemetry(MeterRegistry meters) {
    sameTenant = meters.counter(EVICTED, "room_for", "same_tenant");
    otherTenant = meters.counter(EVICTED, "room_for", "other_tenant");
  }

  @Override
  public void evicted(Eviction eviction) {
    (eviction.ofSameTenant() ? sameTenant : otherTenant).increment();
    LearnerSession.Identity session = eviction.session();
    LOG.warn(
        "learner session {} of tenant '{}' on {}/{} with {} updates was closed after {} min without use, to make room for one of tenant '{}': what it had not saved is gone",
        session.id(),
        session.tenant(),
        session.base().model(),
        session.base().version(),
        eviction.updates(),
        eviction.idle().toMinutes(),
        eviction.roomFor());
  }
}
