package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.spec.StopSpec;
import io.ballast.orchestrator.core.watch.AlarmWords;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.CollapseMonitor;
import io.ballast.rl.stats.PolicyVitals;
import java.util.List;
import java.util.stream.Collectors;

/** Says why a run stops learning: its rewards can no longer be believed. */
final class EarlyStop {
  private EarlyStop() {}

  /**
   * Returns the reason, such as {@code kl 0.31 over 0.30}; empty to go on.
   *
   * @param first the vitals of the first iteration
   * @param now those of this one
   */
  static String reason(StopSpec spec, PolicyVitals first, PolicyVitals now) {
    List<Alarm> alarms =
        new CollapseMonitor(
                first, spec.maxKl(), spec.spread().growth(), 0, Double.MAX_VALUE, Double.MAX_VALUE)
            .check(now);
    return alarms.stream().map(AlarmWords::of).collect(Collectors.joining("; "));
  }
}
