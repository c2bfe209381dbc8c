package io.ballast.orchestrator.testing;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunMonitor;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.util.List;
import java.util.function.Supplier;

/** Does the work of each phase and sees nothing; what a test wants to see, it overrides. */
public class QuietMonitor implements RunMonitor {
  @Override
  public <T> T watch(Run run, Phase phase, int iteration, Supplier<T> work) {
    return work.get();
  }

  @Override
  public void learnsFrom(Run run, List<ReadSource> sources) {}

  @Override
  public void judged(Run run, int iteration, JudgedRollout judged) {}

  @Override
  public void updated(Run run, LearningMetrics learning) {}

  @Override
  public void iterated(Run run, IterationMetrics metrics) {}

  @Override
  public void alarmed(Run run, RunAlarm alarm) {}

  @Override
  public void left(Run run) {}
}
