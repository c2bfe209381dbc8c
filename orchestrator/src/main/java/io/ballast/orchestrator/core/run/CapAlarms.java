package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.watch.RunAlarm;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import java.util.ArrayList;
import java.util.List;

/** Prices at their cap: more of the same harm would cost no more. */
final class CapAlarms {
  private CapAlarms() {}

  /** Those of an iteration, with what λ reacted to and the target that it is over. */
  static List<RunAlarm> of(int iteration, List<ConstraintReading> readings) {
    List<RunAlarm> alarms = new ArrayList<>();
    for (ConstraintReading each : readings) {
      Double bound = each.bound();
      Double target = each.target();
      if (each.atCap() && bound != null && target != null) {
        alarms.add(
            new RunAlarm(
                iteration,
                new Alarm(AlarmKind.LAMBDA_AT_CAP, bound, target),
                WatchAction.RECORD,
                each.name()));
      }
    }
    return alarms;
  }
}
