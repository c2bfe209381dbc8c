package io.ballast.policy.core.suggest;

import io.ballast.inference.api.GenerationHandle;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Text on its way from a generation to its reader. A reader that falls behind pauses the generation
 * until it has caught up, so that what waits here stays small and the engine draws for others.
 */
final class TextStream {
  private static final String END = new String("end"); // compared by identity

  /** So many pieces wait at most, and one that was under way. */
  static final int PAUSE_AT = 16;

  private static final int RESUME_AT = 4;

  private final BlockingQueue<String> deltas = new LinkedBlockingQueue<>();
  private volatile @Nullable GenerationHandle handle;

  /** Takes what was drawn; on the engine's thread. */
  void add(String delta) {
    deltas.add(delta);
    GenerationHandle known = handle;
    if (known != null && deltas.size() >= PAUSE_AT) {
      known.pause();
      if (deltas.size() <= RESUME_AT) {
        known.resume(); // the reader took them in the meantime, and may never look again
      }
    }
  }

  /**
   * Hands everything to {@code listener}, on the caller's thread, until {@code generation} ends.
   *
   * @throws CancellationException if the thread is interrupted
   */
  @SuppressWarnings("ReferenceEquality") // END is one object, equal texts are not
  void forward(GenerationHandle generation, TextListener listener) {
    handle = generation;
    var unused = generation.result().whenComplete((done, failed) -> deltas.add(END));
    try {
      for (String delta = deltas.take(); delta != END; delta = deltas.take()) {
        if (!delta.isEmpty()) {
          listener.onText(delta);
        }
        if (deltas.size() <= RESUME_AT) {
          generation.resume();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while generating");
    }
  }
}
