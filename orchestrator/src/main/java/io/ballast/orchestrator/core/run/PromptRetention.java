package io.ballast.orchestrator.core.run;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * How long what a run learned from and was tested on, and samples of its skipped updates, are kept
 * once it has ended: then nothing reads them any more. A run that is under way or paused, or has
 * failed and may be resumed, keeps them.
 */
public final class PromptRetention {
  /** So many runs go in one transaction, so that others wait for moments only. */
  private static final int BATCH = 100;

  /** Hears of what was deleted. */
  public interface Monitor {
    /** The prompts of so many runs, in one transaction. */
    void promptsDeleted(int runs);

    /** Samples of skipped updates of so many runs. */
    void samplesDeleted(int runs);
  }

  private final RunPromptStore store;
  private final KeptSamples samples;
  private final InstantSource clock;
  private final Optional<Duration> retention;
  private final Monitor monitor;

  /**
   * @param retention counted from a run's end; empty: for ever
   */
  public PromptRetention(
      RunPromptStore store,
      KeptSamples samples,
      InstantSource clock,
      Optional<Duration> retention,
      Monitor monitor) {
    this.store = store;
    this.samples = samples;
    this.clock = clock;
    this.retention = retention;
    this.monitor = monitor;
  }

  /** Deletes whatever is older than it is kept. */
  public void deleteOld() {
    retention.ifPresent(this::deleteOlder);
  }

  private void deleteOlder(Duration time) {
    int batch;
    do {
      batch = store.deletePrompts(clock.instant(), time, BATCH);
      if (batch > 0) {
        monitor.promptsDeleted(batch);
      }
    } while (batch > 0 && !Thread.currentThread().isInterrupted());
    List<KeptSamples.OfRun> kept = samples.runs();
    int gone =
        kept.isEmpty() ? 0 : store.deleteSamples(kept, samples::delete, clock.instant(), time);
    if (gone > 0) {
      monitor.samplesDeleted(gone);
    }
  }
}
