package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.measure.HeldOutScoring;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.EvaluationSpec;
import org.jspecify.annotations.Nullable;

/** Evaluates the weights that an iteration leaves, when their time has come. */
final class HeldOut {
  private final HeldOutScoring scoring;
  private final PublishedWeights published;
  private final RunMonitor monitor;

  HeldOut(HeldOutScoring scoring, PublishedWeights published, RunMonitor monitor) {
    this.scoring = scoring;
    this.published = published;
    this.monitor = monitor;
  }

  /**
   * Evaluates the weights after {@code iteration}, which the next one would sample from.
   *
   * @param last whether no other iteration follows
   * @return null where they are not evaluated
   */
  HeldOutScoring.@Nullable Evaluated evaluate(
      Job job, Run run, Trainee trainee, int iteration, boolean last) {
    EvaluationSpec spec = job.spec().evaluation();
    if (spec == null || !(last || spec.due(iteration))) {
      return null;
    }
    PinnedVersion policy =
        monitor.watch(
            run,
            Phase.PUBLISH,
            () -> published.rollout(run, trainee, iteration + 1, job.spec().rollout().staleness()));
    return monitor.watch(
        run,
        Phase.EVALUATE,
        () -> scoring.evaluate(run.tenant(), policy, job.spec(), spec, job.prompts().evaluation()));
  }
}
