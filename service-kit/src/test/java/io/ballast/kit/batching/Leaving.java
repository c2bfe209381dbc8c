package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A caller who leaves when a test says so, or when its time is over. */
final class Leaving implements CallPatience {
  private final Optional<Duration> remaining;
  private final List<Runnable> actions = new ArrayList<>();
  private boolean left;

  private Leaving(Optional<Duration> remaining) {
    this.remaining = remaining;
  }

  /** One without a deadline. */
  static Leaving whenTold() {
    return new Leaving(Optional.empty());
  }

  /** One with this much time. */
  static Leaving after(Duration remaining) {
    return new Leaving(Optional.of(remaining));
  }

  void leave() {
    List<Runnable> told;
    synchronized (this) {
      left = true;
      told = List.copyOf(actions);
      actions.clear();
    }
    told.forEach(Runnable::run);
  }

  @Override
  public Optional<Duration> remaining() {
    return remaining;
  }

  @Override
  public synchronized boolean cancelled() {
    return left;
  }

  @Override
  public void onCancel(Runnable action) {
    boolean now;
    synchronized (this) {
      now = left;
      if (!now) {
        actions.add(action);
      }
    }
    if (now) {
      action.run();
    }
  }
}
