package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.orchestrator.core.CallCancellation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** Shows runs to those who wait for what happens to them, some iterations at a time. */
final class RunWatch {
  private final ChangeSignal changes;
  private final Duration bound;
  private final int most;

  /**
   * @param bound the longest that it waits before it looks again
   * @param most iterations held at a time for one watcher, ≥ 1
   */
  RunWatch(ChangeSignal changes, Duration bound, int most) {
    this.changes = changes;
    this.bound = bound;
    this.most = most;
  }

  /** Where a run's iterations come from. */
  @FunctionalInterface
  interface Iterations {
    /** Returns the first {@code most} of those after {@code known}, in order. */
    List<IterationMetrics> after(int known, int most);
  }

  /**
   * Shows the run as it is, then every iteration after {@code after} and every change, until the
   * run has ended or failed.
   *
   * @throws CancellationException if the watcher left before
   */
  void show(
      Supplier<Run> current,
      Iterations iterations,
      int after,
      CallCancellation cancellation,
      Runs.Watcher watcher) {
    AtomicBoolean left = new AtomicBoolean();
    cancellation.onCancel(
        () -> {
          left.set(true);
          changes.wake();
        });
    int known = after;
    Run shown = null;
    while (!left.get()) {
      long count = changes.count();
      Run run = current.get();
      List<IterationMetrics> fresh = iterations.after(known, most);
      for (IterationMetrics iteration : fresh) {
        watcher.seen(run, Optional.of(iteration));
        known = iteration.iteration();
        shown = run;
      }
      if (!run.equals(shown)) {
        watcher.seen(run, Optional.empty());
        shown = run;
      }
      boolean over = run.state().ended() || run.state() == RunState.FAILED;
      if (over && known >= run.progress().iterationsDone()) {
        return;
      }
      if (fresh.size() < most) {
        cancellation.idle(() -> changes.await(count, bound, left::get));
      }
    }
    throw new CancellationException("the watcher left");
  }
}
