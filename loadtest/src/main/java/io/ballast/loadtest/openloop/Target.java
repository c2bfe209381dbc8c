package io.ballast.loadtest.openloop;

import java.util.function.Consumer;

/** What is called. */
@FunctionalInterface
public interface Target {
  /**
   * Starts a call. It should return before the answer is there; one that blocks delays the calls
   * after it, and their latency counts from when they were meant to be sent.
   *
   * @param index of the call, from 0
   * @param done told once how it ended, on any thread
   */
  void call(long index, Consumer<Outcome> done);
}
