package io.ballast.loadtest.run;

import io.ballast.loadtest.report.MemoryTrend;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Reads a server's memory while a load is under way, some hundred times. */
final class MemoryWatch implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(MemoryWatch.class.getName());
  private static final double MOST_SAMPLES = 600;
  private static final double LEAST_SECONDS = 0.05;
  private static final double NANOS = 1e9;

  private final LoadScenario scenario;
  private final MemorySource source;
  private final long begin = System.nanoTime();
  private final List<MemoryTrend.Sample> samples = new ArrayList<>(); // guarded by itself
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          work -> Thread.ofPlatform().daemon().name("memory").unstarted(work));

  MemoryWatch(LoadScenario scenario, MemorySource source) {
    this(
        scenario,
        source,
        (long) (Math.max(LEAST_SECONDS, scenario.seconds() / MOST_SAMPLES) * NANOS));
  }

  MemoryWatch(LoadScenario scenario, MemorySource source, long everyNanos) {
    this.scenario = scenario;
    this.source = source;
    var unused = clock.scheduleWithFixedDelay(this::sample, 0, everyNanos, TimeUnit.NANOSECONDS);
  }

  private void sample() {
    try {
      double bytes = source.bytes();
      if (!Double.isNaN(bytes)) {
        synchronized (samples) {
          samples.add(new MemoryTrend.Sample((System.nanoTime() - begin) / NANOS, bytes));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "the server's memory cannot be read; the trend has a gap", e);
    }
  }

  /** What was read in SOAK phases; where there is none, in all that are measured. */
  MemoryTrend finish() {
    clock.shutdownNow();
    boolean soaks = scenario.phases().stream().anyMatch(MemoryWatch::soaks);
    synchronized (samples) {
      return new MemoryTrend(
          samples.stream()
              .filter(sample -> sample.seconds() < scenario.seconds())
              .filter(
                  sample -> {
                    Phase phase = scenario.phases().get(scenario.phaseAt(sample.seconds()));
                    return soaks ? soaks(phase) : phase.measured();
                  })
              .toList());
    }
  }

  private static boolean soaks(Phase phase) {
    return phase.shape() == Phase.Shape.SOAK;
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
