package io.ballast.inference.api;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A generation under way. */
public interface GenerationHandle {
  /**
   * Completes with the generation, also after {@link #cancel} (with {@link StopReason#CANCELLED});
   * exceptionally with a {@link ModelException} if the model failed or was closed.
   */
  CompletableFuture<Generation> result();

  /** Stops before the next token. Has no effect once the result is there. */
  void cancel();

  /**
   * Draws nothing more until {@link #resume}; other generations go on. For a reader that is not
   * ready: what was drawn before may still arrive, one token after this call at most. The
   * generation keeps its place. A decoder that cannot wait goes on.
   */
  default void pause() {}

  /** Goes on after {@link #pause}. */
  default void resume() {}

  /**
   * How much longer than without other generations the tokens after its first have taken so far, as
   * far as the engine can tell; of the first sixteen of them, so that long generations count as
   * short ones do. Other generations of the same caller count too. Zero if the engine does not
   * tell.
   */
  default Duration heldUp() {
    return Duration.ZERO;
  }

  /** Where its time went, once the result is there; empty if the engine does not tell. */
  default Optional<GenerationTimes> times() {
    return Optional.empty();
  }
}
