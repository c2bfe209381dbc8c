package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.WeightsStore;
import java.util.Set;

/** What a run keeps beside the database while it learns. */
public final class RunFiles {
  private final WeightsStore weights;
  private final RolloutFolders rollouts;

  public RunFiles(WeightsStore weights, RolloutFolders rollouts) {
    this.weights = weights;
    this.rollouts = rollouts;
  }

  /** Deletes checkpoints and sampled weights of a run that has ended; its candidate stays. */
  void clean(Run run) {
    weights.forgetCheckpoints(run.tenant(), run.checkpointPrefix(), Set.of());
    rollouts.deleteAll(run.rolloutModel(), run.runId() + "-");
  }
}
