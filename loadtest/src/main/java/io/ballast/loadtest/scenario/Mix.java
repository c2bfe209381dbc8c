package io.ballast.loadtest.scenario;

import java.util.List;
import java.util.SplittableRandom;

/** Which step of a mix each call is of: drawn by weight, the same for the same seed and index. */
public final class Mix {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final List<Double> upTo; // the share of this step and those before it
  private final long seed;

  /**
   * @param steps at least one
   * @param seed of the draws
   */
  public Mix(List<CallStep> steps, long seed) {
    double sum = steps.stream().mapToDouble(CallStep::weight).sum();
    double[] share = new double[1];
    this.upTo = steps.stream().map(step -> share[0] += step.weight() / sum).toList();
    this.seed = seed;
  }

  /** The step of call {@code index}. */
  public int stepAt(long index) {
    double drawn = new SplittableRandom(seed + index * GOLDEN).nextDouble();
    for (int i = 0; i < upTo.size() - 1; i++) {
      if (drawn < upTo.get(i)) {
        return i;
      }
    }
    return upTo.size() - 1;
  }
}
