package io.ballast.kit.outbox;

import io.ballast.kit.postgres.DatabaseFaults;
import io.ballast.kit.redaction.Wordless;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jdbi.v3.core.JdbiException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes the events of an outbox, at least once each, those of a subject in their order. While
 * the topic or the database is away it tries again and again; nothing waits for it, and what came
 * meanwhile is published later.
 */
public final class OutboxRelay implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OutboxRelay.class);
  private static final int EVENTS_AT_ONCE = 64;
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);

  private final String service;
  private final PostgresOutbox outbox;
  private final EventTopic topic;
  private final Counter published;
  private final AtomicLong waiting;
  private final AtomicLong refused;
  private final ScheduledExecutorService thread;
  private boolean away; // of the thread

  /**
   * A relay that looks for events once {@link #start} is called.
   *
   * @param service whose events they are, for messages and metrics
   */
  public OutboxRelay(
      String service, PostgresOutbox outbox, EventTopic topic, MeterRegistry meters) {
    this.service = service;
    this.outbox = outbox;
    this.topic = topic;
    this.published =
        Counter.builder("ballast.events.published")
            .description("Events that the topic has taken")
            .tag("service", service)
            .register(meters);
    this.waiting =
        gauge(meters, "ballast.events.waiting", "Events that the topic has not taken yet");
    this.refused = gauge(meters, "ballast.events.refused", "Events that the topic will never take");
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("outbox-" + service).factory());
  }

  private AtomicLong gauge(MeterRegistry meters, String name, String description) {
    AtomicLong value = new AtomicLong();
    Gauge.builder(name, value, AtomicLong::doubleValue)
        .description(description)
        .tag("service", service)
        .register(meters);
    return value;
  }

  /**
   * Looks for events from now on.
   *
   * @param interval between two looks, after one that found few
   */
  public void start(Duration interval) {
    long nanos = interval.toNanos();
    var unused = thread.scheduleWithFixedDelay(this::look, 0, nanos, TimeUnit.NANOSECONDS);
  }

  private void look() {
    try {
      relayAll();
      back();
    } catch (TopicAwayException e) {
      gone(String.valueOf(e.getMessage()));
    } catch (JdbiException e) {
      if (DatabaseFaults.isAway(e)) {
        gone(String.valueOf(DatabaseFaults.away(e).getMessage()));
      } else {
        LOG.error("events of the {} are not published: a bug", service, Wordless.of(e));
      }
    } catch (RuntimeException | Error e) { // the next look must come all the same
      LOG.error("events of the {} are not published: a bug", service, Wordless.of(e));
    }
  }

  private void gone(String reason) {
    if (!away) {
      away = true;
      LOG.warn("events of the {} wait: {}", service, reason);
    }
  }

  private void back() {
    if (away) {
      away = false;
      LOG.info("events of the {} are published again", service);
    }
  }

  /**
   * Publishes what there is.
   *
   * @throws TopicAwayException if the topic does not take it; it stays
   */
  void relayAll() {
    try {
      int found;
      do {
        found = relaySome();
      } while (found == EVENTS_AT_ONCE && !Thread.currentThread().isInterrupted());
    } finally {
      count();
    }
  }

  private int relaySome() {
    PostgresOutbox.Passed passed = outbox.passOn(EVENTS_AT_ONCE, topic::publish);
    published.increment(passed.found() - passed.refused().size());
    for (Map.Entry<UUID, String> each : passed.refused().entrySet()) {
      LOG.error(
          "event {} of the {} can never be published and stays in its outbox: {}",
          each.getKey(),
          service,
          each.getValue());
    }
    return passed.found();
  }

  private void count() {
    try {
      PostgresOutbox.Counts counts = outbox.counts();
      waiting.set(counts.waiting());
      refused.set(counts.refused());
    } catch (JdbiException e) { // it is said by whoever looks
      LOG.debug("events of the {} were not counted: {}", service, e.getMessage());
    }
  }

  /** Ends the look under way; what it has not published is published after the next start. */
  @Override
  public void close() {
    thread.shutdownNow();
    try {
      if (!thread.awaitTermination(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("events of the {} are still being published at the stop", service);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
