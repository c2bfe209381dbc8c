package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldReading.Measured;
import io.ballast.rl.stats.OveroptimisationMonitor;
import io.ballast.rl.stats.RewardVitals;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Feeds {@link OveroptimisationMonitor} from the iterations of a run. A function of the spec, the
 * state and what was measured: doing an iteration again after a crash raises the same alarms.
 */
public final class RewardWatch {
  private RewardWatch() {}

  /** Reward and gold over what they were at first, each in its standard deviation of then. */
  private record Gains(double proxy, double gold) {}

  /**
   * What an iteration measured.
   *
   * @param iteration from 1
   * @param proxy mean of the reward in training, finite; empty where no completion has one
   * @param spread mean over the completions of the members' standard deviation, ≥ 0; empty of a
   *     reward that tells none
   * @param gold null where it was not asked
   */
  public record Observation(
      int iteration, OptionalDouble proxy, OptionalDouble spread, @Nullable GoldReading gold) {
    /** With a reward. */
    public Observation(
        int iteration, double proxy, OptionalDouble spread, @Nullable GoldReading gold) {
      this(iteration, OptionalDouble.of(proxy), spread, gold);
    }
  }

  /** What an observation led to. */
  public record Seen(WatchState next, IterationWatch watch) {
    /** Returns why learning ends, naming the weights that it goes back to; empty if it goes on. */
    public String stopReason() {
      List<RunAlarm> alarms =
          watch.alarms().stream().filter(each -> each.action() == WatchAction.STOP).toList();
      if (alarms.isEmpty()) {
        return "";
      }
      return RunAlarm.words(alarms)
          + (next.goodIteration() == 0
              ? "; only the base was within the limits"
              : "; back to the weights after iteration " + next.goodIteration());
    }
  }

  /**
   * Takes up an observation.
   *
   * @param before null before the first
   */
  public static Seen observe(WatchSpec spec, @Nullable WatchState before, Observation now) {
    WatchState state = before == null ? WatchState.begin(spec) : before;
    if (now.proxy().isEmpty()) {
      return new Seen(state, new IterationWatch(now.gold(), null, List.of()));
    }
    double proxy = now.proxy().getAsDouble();
    GoldBaseline baseline = state.baseline();
    Measured measured = now.gold() instanceof Measured reading ? reading : null;
    if (baseline == null && measured != null && GoldBaseline.possible(measured)) {
      baseline = GoldBaseline.of(now.iteration(), measured);
    }
    Gains gains =
        baseline == null || measured == null
            ? null
            : new Gains(baseline.proxyGain(measured), baseline.goldGain(measured));
    OveroptimisationMonitor.Observed seen =
        state
            .monitor()
            .observe(
                gains == null
                    ? new RewardVitals(proxy, OptionalDouble.empty(), now.spread())
                    : new RewardVitals(
                        gains.proxy(), OptionalDouble.of(gains.gold()), now.spread()));
    boolean within = seen.next().spreadOver() == 0 && seen.next().gapOver() == 0;
    // what gold has not seen is not called good, once there is gold; and so of the spread
    boolean good =
        within
            && (gains != null || baseline == null)
            && (now.spread().isPresent() || seen.next().firstSpread().isEmpty());
    return new Seen(
        new WatchState(seen.next(), baseline, good ? now.iteration() - 1 : state.goodIteration()),
        new IterationWatch(
            now.gold(),
            gains == null ? null : gains.proxy() - gains.gold(),
            seen.alarms().stream()
                .map(alarm -> new RunAlarm(now.iteration(), alarm, spec.action()))
                .toList()));
  }
}
