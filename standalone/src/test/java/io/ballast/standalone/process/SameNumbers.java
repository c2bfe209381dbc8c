package io.ballast.standalone.process;

import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What the mesh said of a text the first time, and whether it ever says otherwise. Thread-safe. */
final class SameNumbers {
  /** As a score may differ by in other company. */
  private static final double SAME = 1e-5;

  private final SteadyLoad load;
  private final Map<String, Double> first = new ConcurrentHashMap<>();
  private final Queue<Different> different = new ConcurrentLinkedQueue<>();

  /**
   * A number that is wrong.
   *
   * @param disturbed how often the mesh had been by then
   */
  record Different(int disturbed, String what, double first, double now) {}

  SameNumbers(SteadyLoad load) {
    this.load = load;
  }

  /** Says what {@code what} is now. */
  void check(String what, double now) {
    double before = first.computeIfAbsent(what, unused -> now);
    if (!(Math.abs(now - before) <= SAME)) {
      different.add(new Different(load.disturbed(), what, before, now));
    }
  }

  /** Whatever was said otherwise later. */
  Queue<Different> different() {
    return different;
  }
}
