package io.ballast.loadtest.openloop;

import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock that moves when somebody waits by it, and does what was planned for the time between. */
public final class FakePacer implements Pacer {
  private record Event(long at, long order, Runnable action) {}

  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  private long now = 1_000_000_007; // clocks do not begin at zero
  private long order;

  @Override
  public long nanoTime() {
    return now;
  }

  @Override
  public void sleepUntil(long nanos) {
    while (!events.isEmpty() && events.peek().at() <= nanos) {
      Event event = events.remove();
      now = Math.max(now, event.at());
      event.action().run();
    }
    now = Math.max(now, nanos);
  }

  /** Plans {@code action} for when the clock has moved on by {@code nanos}. */
  public void after(long nanos, Runnable action) {
    events.add(new Event(now + nanos, order++, action));
  }
}
