package io.ballast.reward.core.training;

import java.util.List;
import java.util.UUID;

/** Where trainings are remembered beyond a restart. */
public interface TrainingLedger {
  /** Returns all that can be read, in the order in which they began. */
  List<Training> all();

  /**
   * Keeps a training in the place of what was kept of it; returns once it is on disk.
   *
   * @throws io.ballast.kit.error.MeshException if it cannot be kept
   */
  void save(Training training);

  /** Forgets a training. */
  void forget(UUID id);
}
