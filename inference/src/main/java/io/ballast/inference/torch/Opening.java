package io.ballast.inference.torch;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * Native parts of something that is being opened: freed at the end, the last one first, unless all
 * of it came to be.
 */
final class Opening implements AutoCloseable {
  private final Deque<Runnable> frees = new ArrayDeque<>();

  /**
   * Takes a part that is there already.
   *
   * @param free frees it
   * @return {@code part}
   */
  <T> T part(T part, Consumer<? super T> free) {
    frees.push(() -> free.accept(part));
    return part;
  }

  /** All parts belong to what was opened, which frees them. */
  void done() {
    frees.clear();
  }

  @Override
  public void close() {
    while (!frees.isEmpty()) {
      frees.pop().run();
    }
  }
}
