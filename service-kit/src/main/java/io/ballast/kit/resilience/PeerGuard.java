package io.ballast.kit.resilience;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.github.resilience4j.circuitbreaker.IllegalStateTransitionException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Whether a peer may be called now: a breaker that opens when it fails, a bulkhead that bounds how
 * many calls wait for it. Thread-safe.
 */
public final class PeerGuard {
  private final String peer;
  private final int maxInFlight;
  private final CircuitBreaker breaker;
  private final Counter calls;
  private final Bulkhead bulkhead;
  private final LongSupplier nanoTime;

  /**
   * @param peer its name in messages and metrics, such as {@code reward-server}
   * @param clock says when this begins; whatever is done to it later, no breaker stays open for
   * @param nanoTime measures calls, and how long a breaker is open
   */
  public PeerGuard(
      String peer,
      PeerSettings settings,
      InstantSource clock,
      LongSupplier nanoTime,
      MeterRegistry meters) {
    this.peer = peer;
    this.maxInFlight = settings.maxInFlight();
    this.nanoTime = nanoTime;
    this.breaker =
        CircuitBreaker.of(
            peer,
            CircuitBreakerConfig.custom()
                .clock(new SteadyClock(clock, nanoTime).withZone(ZoneOffset.UTC))
                .slidingWindowType(SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(settings.slidingWindowCalls())
                .minimumNumberOfCalls(Math.max(1, settings.slidingWindowCalls() / 2))
                .failureRateThreshold(settings.failureRatePercent())
                .waitDurationInOpenState(settings.openDuration())
                .permittedNumberOfCallsInHalfOpenState(1)
                .maxWaitDurationInHalfOpenState(settings.callTimeout())
                .build());
    this.bulkhead =
        Bulkhead.of(
            peer,
            BulkheadConfig.custom()
                .maxConcurrentCalls(settings.maxInFlight())
                .maxWaitDuration(Duration.ZERO)
                .build());
    this.calls =
        Counter.builder("ballast.peer.calls")
            .description("Calls that were to be made to the peer, those that were refused too")
            .tag("peer", peer)
            .register(meters);
    Gauge.builder("ballast.peer.breaker.state", breaker, b -> b.getState().getOrder())
        .description("0 closed, 1 open, 2 half open")
        .tag("peer", peer)
        .register(meters);
    Gauge.builder(
            "ballast.peer.calls.in.flight",
            bulkhead,
            b -> settings.maxInFlight() - b.getMetrics().getAvailableConcurrentCalls())
        .description("Calls to the peer under way")
        .tag("peer", peer)
        .register(meters);
  }

  /** How a call ended, as evidence on the peer. */
  public enum Verdict {
    /** It answered. */
    SUCCEEDED,
    /** It is down, late or broken. */
    FAILED,
    /** Says nothing: the caller left. */
    IGNORED
  }

  /** Leave for one call. Ends once; later ends are ignored. */
  public final class Permit {
    private final long start = nanoTime.getAsLong();
    private final AtomicBoolean ended = new AtomicBoolean();

    /** Gives the place back and tells the breaker. */
    public void end(Verdict verdict) {
      if (!ended.compareAndSet(false, true)) {
        return;
      }
      bulkhead.onComplete();
      long nanos = nanoTime.getAsLong() - start;
      switch (verdict) {
        case SUCCEEDED -> breaker.onSuccess(nanos, TimeUnit.NANOSECONDS);
        case FAILED -> breaker.onError(nanos, TimeUnit.NANOSECONDS, new IOException(peer));
        case IGNORED -> breaker.releasePermission();
      }
    }
  }

  /**
   * The peer can be reached again after it could not: a breaker that is open lets a call through
   * now, and what comes of that decides as always.
   */
  public void reachedAgain() {
    if (breaker.getState() != CircuitBreaker.State.OPEN) {
      return;
    }
    try {
      breaker.transitionToHalfOpenState();
    } catch (IllegalStateTransitionException e) {
      // a call was quicker, its time being over
    }
  }

  /** The peer's name. */
  public String peer() {
    return peer;
  }

  /**
   * Returns leave for one call.
   *
   * @throws MeshException DEPENDENCY_DOWN if the breaker is open, OVERLOADED if the bulkhead is
   *     full
   */
  public Permit acquire() {
    calls.increment();
    if (!bulkhead.tryAcquirePermission()) {
      throw new MeshException(
          Fault.OVERLOADED,
          "%s: %,d calls are under way, the limit".formatted(peer, maxInFlight),
          Map.of("peer", peer, "limit", Integer.toString(maxInFlight)));
    }
    if (!breaker.tryAcquirePermission()) {
      bulkhead.onComplete();
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          peer + ": breaker open, its last calls failed; it is tried again soon",
          Map.of("peer", peer));
    }
    return new Permit();
  }
}
