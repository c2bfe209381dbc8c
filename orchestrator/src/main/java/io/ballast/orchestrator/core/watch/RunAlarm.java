package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.rl.stats.Alarm;
import java.util.List;
import java.util.stream.Collectors;

/**
 * An alarm of the watch over a run's rewards.
 *
 * @param iteration in which it was raised, from 1
 * @param alarm what was seen, and the limit that it passed
 * @param action what it leads to
 */
public record RunAlarm(int iteration, Alarm alarm, WatchAction action) {
  /** In words, such as {@code spread 0.71 over 0.60 in iteration 12}. */
  public String words() {
    return AlarmWords.of(alarm) + " in iteration " + iteration;
  }

  /** Several in words. */
  static String words(List<RunAlarm> alarms) {
    return alarms.stream().map(RunAlarm::words).collect(Collectors.joining("; "));
  }

  /**
   * Returns why the candidate of a run with {@code alarms} may not be promoted unless a person
   * accepts them; empty if it may.
   */
  public static String refusal(List<RunAlarm> alarms) {
    return words(
        alarms.stream().filter(each -> each.action() == WatchAction.REFUSE_PROMOTION).toList());
  }
}
