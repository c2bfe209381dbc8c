package io.ballast.orchestrator.core.learner;

import io.ballast.kit.call.PinnedVersion;

/** Opens weights for training. */
public interface TraineeLoader {
  /**
   * How many bytes a session on {@code base} takes.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL
   */
  long memoryBytes(PinnedVersion base);

  /**
   * Loads {@code base} twice: to train, and as the frozen reference.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL; CORRUPT_WEIGHTS if a checksum differs
   */
  Trainee load(PinnedVersion base, OptimizerSettings optimizer);
}
