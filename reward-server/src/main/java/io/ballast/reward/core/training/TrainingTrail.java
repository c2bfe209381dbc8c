package io.ballast.reward.core.training;

import java.util.Set;
import java.util.UUID;

/** Where it is told for good who has what trained, and what came of it. */
public interface TrainingTrail {
  /**
   * Whoever makes the call under way has a training begun; told before it is.
   *
   * @throws io.ballast.kit.error.MeshException if it cannot be told: then it must not begin
   */
  void begins(Training training);

  /**
   * Whoever makes the call under way ends a training; told before it is.
   *
   * @throws io.ballast.kit.error.MeshException if it cannot be told: then it must go on
   */
  void cancels(Training training);

  /**
   * A training has ended. Told once, however often it is said, and only of one whose beginning was
   * told; what cannot be told now is told later.
   */
  void ended(Training training);

  /**
   * Tells that each training whose beginning was told, and whose end was not, is interrupted, but
   * for those of {@code known}: the process ended before there was a record of it.
   */
  void interruptedBut(Set<UUID> known);
}
