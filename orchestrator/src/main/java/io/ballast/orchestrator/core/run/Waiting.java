package io.ballast.orchestrator.core.run;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waits for work of a run that another thread does. */
final class Waiting {
  private Waiting() {}

  /**
   * Returns what {@code asked} finds, or throws what it threw.
   *
   * @param doing what is waited for, such as "judging"
   * @throws CancellationException if the server stops meanwhile
   */
  static <T> T on(Future<T> asked, String doing) {
    try {
      return asked.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while " + doing);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }
}
