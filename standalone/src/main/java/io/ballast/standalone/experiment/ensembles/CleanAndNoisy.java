package io.ballast.standalone.experiment.ensembles;

import io.ballast.standalone.experiment.ExperimentProgress;
import java.util.ArrayList;
import java.util.List;

/**
 * One measurement of best of n: with clean labels, and with some flipped.
 *
 * @param clean of clean labels
 * @param noisy of flipped ones, by the same seeds
 */
record CleanAndNoisy(GoldCurves clean, GoldCurves noisy) {
  /** Makes the curves of a seed at a share of flipped labels. */
  @FunctionalInterface
  interface OfSeed<E extends Exception> {
    /** Returns the curves. */
    GoldCurves.OfSeed of(int seed, double flips) throws E;
  }

  /**
   * Measures each seed with clean and then with flipped labels.
   *
   * @param step told of each
   * @throws E what {@code curves} throws
   */
  static <E extends Exception> CleanAndNoisy measured(
      EnsemblesPlan plan, int seeds, ExperimentProgress.Step step, OfSeed<E> curves) throws E {
    List<GoldCurves.OfSeed> clean = new ArrayList<>();
    List<GoldCurves.OfSeed> noisy = new ArrayList<>();
    for (int seed = 0; seed < seeds; seed++) {
      clean.add(curves.of(seed, 0));
      step.done(1);
      noisy.add(curves.of(seed, plan.flips()));
      step.done(1);
    }
    return new CleanAndNoisy(GoldCurves.of(plan.ns(), clean), GoldCurves.of(plan.ns(), noisy));
  }
}
