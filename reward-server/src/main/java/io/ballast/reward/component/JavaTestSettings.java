package io.ballast.reward.component;

import java.time.Duration;

/**
 * Within what limits unit tests run.
 *
 * @param isolation what keeps them from the rest of the machine
 * @param cpuTime of one process, in whole seconds: more, once its tests have begun, is a test that
 *     did not pass
 * @param time of one item on the clock, its start and its compiler included: more is DEADLINE, no
 *     value
 * @param memoryMegabytes of its heap; its processes may have half as much again, and 192 MB
 * @param threads of all its processes
 * @param atOnce items that run side by side
 */
public record JavaTestSettings(
    Isolation isolation,
    Duration cpuTime,
    Duration time,
    int memoryMegabytes,
    int threads,
    int atOnce) {
  /** What keeps tests from the rest of the machine. */
  public enum Isolation {
    /** Linux namespaces of their own: no network, no files but the JDK's, no other processes. */
    NAMESPACES,
    /** The filter of system calls alone: they may read what the server's user may read. */
    NONE
  }
}
