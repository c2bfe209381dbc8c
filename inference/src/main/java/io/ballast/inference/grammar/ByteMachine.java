package io.ballast.inference.grammar;

/**
 * A deterministic machine that reads a text byte by byte. From each of its states a text that it
 * accepts can be reached. Safe for use by many threads.
 */
public interface ByteMachine {
  /** What {@link #step} returns when no accepted text goes on so. */
  int DEAD = -1;

  /** The state before the first byte, ≥ 0. */
  int start();

  /** Returns the state after one more byte, 0 to 255, or {@link #DEAD}. */
  int step(int state, int next);

  /** Returns the state after all of {@code bytes}, or {@link #DEAD}. */
  default int read(int state, byte[] bytes) {
    int next = state;
    for (int i = 0; i < bytes.length && next != DEAD; i++) {
      next = step(next, bytes[i] & 0xFF);
    }
    return next;
  }

  /** Whether what was read so far is accepted as it is. */
  boolean accepting(int state);

  /** Whether what was read so far is accepted, and no longer text that begins so. */
  boolean finished(int state);
}
