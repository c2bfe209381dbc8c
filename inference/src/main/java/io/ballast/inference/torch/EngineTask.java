package io.ballast.inference.torch;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * Work that the engine does between steps, a piece at a time so that nobody's next token waits
 * long, while its caller waits for the whole.
 *
 * @param <T> what comes of it
 */
final class EngineTask<T> {
  private final Supplier<Optional<T>> pieces;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  /**
   * Binds the work.
   *
   * @param pieces does a piece on the engine's thread; empty until the last one
   */
  EngineTask(Supplier<Optional<T>> pieces) {
    this.pieces = pieces;
  }

  /** Does a piece; true if it was the last. */
  boolean advance() {
    try {
      Optional<T> last = pieces.get();
      last.ifPresent(result::complete);
      return last.isPresent();
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
      return true;
    }
  }

  /** Ends it before its last piece. */
  void fail(RuntimeException cause) {
    result.completeExceptionally(cause);
  }

  /** Waits for the result. */
  T await() {
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }
}
