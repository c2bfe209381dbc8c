package io.ballast.reward.core.training;

import java.time.Duration;

/** Is told of trainings, such as to count them. What it throws would end up in a training's way. */
public interface TrainingWatch {
  /** One has begun. */
  void started();

  /**
   * One has ended.
   *
   * @param state how
   * @param time that it took, by the clock; of one that a stop interrupted, until it was found so
   */
  void ended(Training.State state, Duration time);
}
