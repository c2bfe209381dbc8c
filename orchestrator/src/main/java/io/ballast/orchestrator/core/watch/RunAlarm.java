package io.ballast.orchestrator.core.watch;

import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import java.util.List;
import java.util.stream.Collectors;

/**
 * An alarm of a run: of the watch over its rewards, or of a price at its cap.
 *
 * @param iteration in which it was raised, from 1
 * @param alarm what was seen, and the limit that it passed
 * @param action what it leads to
 * @param constraint whose price it is about; empty for an alarm of the watch
 */
public record RunAlarm(int iteration, Alarm alarm, WatchAction action, String constraint) {
  /** Of the watch over the rewards. */
  public RunAlarm(int iteration, Alarm alarm, WatchAction action) {
    this(iteration, alarm, action, "");
  }

  /** Whether {@code others} have one about the same. */
  public boolean isAmong(List<RunAlarm> others) {
    return others.stream()
        .anyMatch(each -> each.alarm.kind() == alarm.kind() && each.constraint.equals(constraint));
  }

  /** Whether it is told once a run, however often it begins anew. */
  public boolean toldOnce() {
    return alarm.kind() == AlarmKind.LAMBDA_AT_CAP;
  }

  /** In words, such as {@code spread 0.71 over 0.60 in iteration 12}. */
  public String words() {
    return (constraint.isEmpty() ? "" : constraint + ": ")
        + AlarmWords.of(alarm)
        + " in iteration "
        + iteration;
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
