package io.ballast.standalone.experiment.algorithms;

import java.nio.file.Path;

/** How good weights are by somebody whom no run sees. One thread at a time. */
@FunctionalInterface
interface GoldMeasure {
  /**
   * Measures weights.
   *
   * @param folder with them
   * @param seed of the draws, ≥ 0: a run's own
   */
  Gold of(Path folder, int seed);
}
