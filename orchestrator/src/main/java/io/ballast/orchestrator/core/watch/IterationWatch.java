package io.ballast.orchestrator.core.watch;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the watch saw in one iteration, beside the numbers that every iteration has.
 *
 * @param gold null where gold was not asked
 * @param gap how much further than gold the reward has risen since gold was first read, each in its
 *     standard deviation of then; null where there is no gold to compare with
 * @param alarms raised in it
 */
public record IterationWatch(
    @Nullable GoldReading gold, @Nullable Double gap, List<RunAlarm> alarms) {
  /** Of an iteration in which there was nothing to see. */
  public static final IterationWatch QUIET = new IterationWatch(null, null, List.of());

  /** Copies the list. */
  public IterationWatch {
    alarms = List.copyOf(alarms);
  }

  /** The same with {@code more} alarms. */
  public IterationWatch with(List<RunAlarm> more) {
    return new IterationWatch(gold, gap, Stream.concat(alarms.stream(), more.stream()).toList());
  }

  /** Whether an alarm about the same is among them. */
  public boolean raised(RunAlarm alarm) {
    return alarm.isAmong(alarms);
  }
}
