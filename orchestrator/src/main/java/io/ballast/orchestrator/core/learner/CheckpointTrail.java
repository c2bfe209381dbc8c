package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Caller;

/** Tells for good which checkpoints are deleted. */
@FunctionalInterface
public interface CheckpointTrail {
  /**
   * Tells, durably when this returns, that a checkpoint of the caller's tenant is about to go.
   *
   * @throws RuntimeException if it cannot be told: then it must stay
   */
  void deleting(Caller caller, String name);
}
