package io.ballast.kit.shadow;

import io.ballast.kit.shadow.ShadowFigures.Compared;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a candidate again what calls were answered without it, and measures how it differs. One
 * thread asks, once the answer is there; what it cannot keep up with is dropped, and so is
 * everything while the server is busy. Nothing that happens here reaches a caller. Thread-safe.
 */
public final class ShadowTraffic implements AutoCloseable {
  /** Of a larger call so many items are asked. */
  public static final int MAX_ITEMS = 64;

  private static final Logger LOG = LoggerFactory.getLogger(ShadowTraffic.class);
  private static final int WAITING_CALLS = 64;
  private static final int ITEMS_A_LINE = 1_000;

  private final ShadowTarget target;
  private final BooleanSupplier busy;
  private final ShadowFigures figures = new ShadowFigures();
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong toldAt = new AtomicLong();
  private final AtomicBoolean failing = new AtomicBoolean();
  private final Counter compared;
  private final Counter unscored;
  private final Counter dropped;
  private final Counter failed;
  private final ThreadPoolExecutor worker;

  /**
   * @param prefix of the metrics' names
   * @param busy whether what callers wait for leaves no room
   */
  public ShadowTraffic(
      ShadowTarget target, String prefix, BooleanSupplier busy, MeterRegistry meters) {
    this.target = target;
    this.busy = busy;
    compared = counter(meters, prefix, "compared");
    unscored = counter(meters, prefix, "unscored");
    dropped = counter(meters, prefix, "dropped");
    failed = counter(meters, prefix, "failed");
    gauge(meters, prefix + ".difference.mean", seen -> seen.meanDifference());
    gauge(meters, prefix + ".difference.deviation", seen -> seen.deviation());
    var unused =
        Gauge.builder(prefix + ".agreement", () -> figures.seen().agreementWithinPrompts())
            .tags("candidate", target.name(), "pairs", "one_prompt")
            .register(meters);
    unused =
        Gauge.builder(prefix + ".agreement", () -> figures.seen().agreementOfAny())
            .tags("candidate", target.name(), "pairs", "any")
            .register(meters);
    worker =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING_CALLS),
            Thread.ofPlatform().daemon().name("shadow-" + target.name()).factory());
  }

  private Counter counter(MeterRegistry meters, String prefix, String outcome) {
    return meters.counter(prefix + ".items", "candidate", target.name(), "outcome", outcome);
  }

  private void gauge(
      MeterRegistry meters, String name, ToDoubleFunction<ShadowFigures.Seen> figure) {
    var unused =
        Gauge.builder(name, () -> figure.applyAsDouble(figures.seen()))
            .tags("candidate", target.name())
            .register(meters);
  }

  /** An item as it was answered; no number: it had none. */
  public record Served(Object prompt, OptionalDouble value) {}

  /** Who is asked. */
  public ShadowTarget target() {
    return target;
  }

  /** Whether the next call is one of the share: evenly, every so many. */
  public boolean takesNext() {
    long before = calls.getAndIncrement();
    return Math.floor((before + 1) * target.share()) > Math.floor(before * target.share());
  }

  /**
   * Asks the candidate later, or never.
   *
   * @param served the answer, at most {@link #MAX_ITEMS} of its items
   * @param candidate gives a number for each of them, or none
   */
  public void offer(List<Served> served, Supplier<List<OptionalDouble>> candidate) {
    List<Served> kept = List.copyOf(served);
    if (busy.getAsBoolean()) {
      dropped.increment(kept.size());
      return;
    }
    try {
      worker.execute(() -> ask(kept, candidate));
    } catch (RejectedExecutionException e) { // too much waits, or the server is on its way out
      dropped.increment(kept.size());
    }
  }

  private void ask(List<Served> served, Supplier<List<OptionalDouble>> candidate) {
    if (busy.getAsBoolean()) {
      dropped.increment(served.size());
      return;
    }
    try {
      compare(served, candidate.get());
      failing.set(false);
    } catch (RuntimeException e) { // the candidate's own trouble, which nobody waits for
      failed.increment(served.size());
      if (!failing.getAndSet(true)) {
        LOG.warn(
            "{}, which is asked in the shadow, does not answer: {}", target.name(), e.toString());
      }
    }
  }

  private void compare(List<Served> served, List<OptionalDouble> answers) {
    List<Compared> both = new ArrayList<>();
    for (int i = 0; i < served.size(); i++) {
      Served item = served.get(i);
      OptionalDouble answer = answers.get(i);
      if (item.value().isPresent() && answer.isPresent()) {
        both.add(new Compared(item.prompt(), item.value().getAsDouble(), answer.getAsDouble()));
      }
    }
    figures.add(both);
    compared.increment(both.size());
    unscored.increment(served.size() - both.size());
    ShadowFigures.Seen seen = figures.seen();
    if (seen.items() >= toldAt.get() + ITEMS_A_LINE) {
      toldAt.set(seen.items());
      tell(seen);
    }
  }

  private void tell(ShadowFigures.Seen seen) {
    LOG.info(
        "{} in the shadow: {} items; candidate less serving {} ± {}; same order in {} of the pairs"
            + " of one prompt, {} of any",
        target.name(),
        seen.items(),
        seen.meanDifference(),
        seen.deviation(),
        seen.agreementWithinPrompts(),
        seen.agreementOfAny());
  }

  /** What was seen so far. */
  public ShadowFigures.Seen seen() {
    return figures.seen();
  }

  /** Forgets what waits. */
  @Override
  public void close() {
    worker.shutdownNow();
  }
}
