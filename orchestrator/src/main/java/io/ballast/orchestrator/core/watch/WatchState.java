package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.rl.stats.OveroptimisationMonitor;
import org.jspecify.annotations.Nullable;

/**
 * What the watch remembers from iteration to iteration.
 *
 * @param monitor limits, first values, and how long each limit has been passed
 * @param baseline null until gold was read
 * @param goodIteration the iteration after which the weights were as they were when they were last
 *     measured within all limits; 0: the base. An iteration measures the weights that the one
 *     before it left
 */
public record WatchState(
    OveroptimisationMonitor monitor, @Nullable GoldBaseline baseline, int goodIteration) {
  static WatchState begin(WatchSpec spec) {
    return new WatchState(
        OveroptimisationMonitor.watching(spec.spread().growth(), spec.maxGap(), spec.patience()),
        null,
        0);
  }
}
