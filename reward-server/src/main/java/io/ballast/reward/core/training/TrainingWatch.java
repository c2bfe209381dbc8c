package io.ballast.reward.core.training;

import java.time.Duration;
import java.util.Optional;

/** Is told of trainings, such as to count them. What it throws hurts no training. */
public interface TrainingWatch {
  /** One has begun. */
  void started();

  /**
   * One has ended.
   *
   * @param state how
   * @param time that it took, by the clock; empty if nobody knows, since its process was killed
   */
  void ended(Training.State state, Optional<Duration> time);
}
