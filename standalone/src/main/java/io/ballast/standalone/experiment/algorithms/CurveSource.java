package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import java.io.IOException;

/** Where learning curves come from. Safe for use by several threads. */
@FunctionalInterface
interface CurveSource {
  /**
   * Learns, and measures along the way.
   *
   * @param iterated told after each iteration
   * @throws IOException if what learns is gone
   */
  LearningCurve learn(Algorithm algorithm, int seed, Runnable iterated) throws IOException;
}
