package io.ballast.safety.core.safetytest;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What time it is for certificates: the latest that this database has seen, so that a clock that is
 * moved back revives none; and never much later than the database's own clock, so that one that ran
 * ahead leaves nothing behind. Thread-safe.
 */
public final class CertificateClock {
  private static final Logger LOG = LoggerFactory.getLogger(CertificateClock.class);

  private final SafetyTestStore store;
  private final Duration skew;
  private final InstantSource clock;
  private final AtomicReference<State> told = new AtomicReference<>(State.RIGHT);

  private enum State {
    RIGHT,
    AHEAD,
    BEHIND
  }

  /**
   * @param skew how far this computer's clock may be from the database's, ≥ 0
   */
  public CertificateClock(SafetyTestStore store, Duration skew, InstantSource clock) {
    this.store = store;
    this.skew = skew;
    this.clock = clock;
  }

  /** The time, in whole microseconds. */
  public Instant now() {
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    Instant latest = store.latestTime(now, skew);
    tell(now, latest);
    return latest;
  }

  private void tell(Instant now, Instant latest) {
    State state =
        now.isAfter(latest)
            ? State.AHEAD
            : now.plus(skew).isBefore(latest) ? State.BEHIND : State.RIGHT;
    if (told.getAndSet(state) == state) {
      return;
    }
    switch (state) {
      case RIGHT -> LOG.info("the clock is right again for certificates");
      case AHEAD ->
          LOG.warn(
              "this computer's clock says {}, more than {} ahead of the database's: {} counts for certificates",
              now,
              skew,
              latest);
      case BEHIND ->
          LOG.warn(
              "this computer's clock says {}, and {} was seen before: that counts for certificates; if a clock had run ahead, set safety.certificate_clock right",
              now,
              latest);
    }
  }
}
