package io.ballast.orchestrator.core.run;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * How long what a run learned from and was tested on is kept once it has ended: then nothing reads
 * it any more. A run that is under way or paused, or has failed and may be resumed, keeps it.
 */
public final class PromptRetention {
  /** So many runs go in one transaction, so that others wait for moments only. */
  private static final int BATCH = 100;

  private final RunPromptStore store;
  private final InstantSource clock;
  private final Optional<Duration> retention;
  private final IntConsumer deleted;

  /**
   * @param retention counted from a run's end; empty: for ever
   * @param deleted hears of how many runs a transaction deleted the prompts
   */
  public PromptRetention(
      RunPromptStore store,
      InstantSource clock,
      Optional<Duration> retention,
      IntConsumer deleted) {
    this.store = store;
    this.clock = clock;
    this.retention = retention;
    this.deleted = deleted;
  }

  /** Deletes whatever is older than it is kept. */
  public void deleteOld() {
    retention.ifPresent(this::deleteOlder);
  }

  private void deleteOlder(Duration kept) {
    int batch;
    do {
      batch = store.deletePrompts(clock.instant(), kept, BATCH);
      if (batch > 0) {
        deleted.accept(batch);
      }
    } while (batch > 0 && !Thread.currentThread().isInterrupted());
  }
}
