package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A caller's patience, less what is needed to answer; it may end before, when nobody needs the rest
 * of the work any more. Thread-safe.
 */
final class EndablePatience implements CallPatience {
  private final CallPatience caller;
  private final Duration reserve;
  private final List<Runnable> actions = new ArrayList<>();
  private boolean ended;

  /**
   * @param reserve what is needed to answer
   */
  EndablePatience(CallPatience caller, Duration reserve) {
    this.caller = caller;
    this.reserve = reserve;
  }

  @Override
  public synchronized Optional<Duration> remaining() {
    return ended
        ? Optional.of(Duration.ZERO)
        : caller
            .remaining()
            .map(left -> left.minus(reserve))
            .map(left -> left.isNegative() ? Duration.ZERO : left);
  }

  @Override
  public synchronized boolean cancelled() {
    return ended || caller.cancelled();
  }

  @Override
  public void onCancel(Runnable action) {
    AtomicBoolean done = new AtomicBoolean();
    Runnable once =
        () -> {
          if (done.compareAndSet(false, true)) {
            action.run();
          }
        };
    caller.onCancel(once);
    boolean now;
    synchronized (this) {
      now = ended;
      if (!now) {
        actions.add(once);
      }
    }
    if (now) {
      once.run();
    }
  }

  @Override
  public void waited(Duration queue) {
    caller.waited(queue);
  }

  /** Ends it. */
  void end() {
    List<Runnable> told;
    synchronized (this) {
      ended = true;
      told = List.copyOf(actions);
      actions.clear();
    }
    told.forEach(Runnable::run);
  }
}
