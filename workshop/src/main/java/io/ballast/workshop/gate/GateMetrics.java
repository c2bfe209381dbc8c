package io.ballast.workshop.gate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** How well numbers tell events from the rest. */
final class GateMetrics {
  private static final int BINS = 10;

  private GateMetrics() {}

  /**
   * Returns the chance that an event has a greater number than a non-event; ties count half.
   *
   * @param values shape [N]
   * @param events shape [N], both kinds present
   */
  static double areaUnderCurve(double[] values, boolean[] events) {
    Integer[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .toArray(Integer[]::new);
    double ranks = 0;
    long positives = 0;
    for (int from = 0; from < order.length; ) {
      int to = from;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      for (int i = from; i < to; i++) {
        if (events[order[i]]) {
          ranks += (from + 1 + to) / 2.0;
          positives++;
        }
      }
      from = to;
    }
    long negatives = order.length - positives;
    if (positives == 0 || negatives == 0) {
      throw new IllegalArgumentException(
          "events: " + positives + " of " + order.length + " (expected: some, not all)");
    }
    return (ranks - positives * (positives + 1) / 2.0) / ((double) positives * negatives);
  }

  /**
   * Returns the expected calibration error: the mean gap, in ten bins of equal width, between what
   * was predicted and how often it came true, weighted by the bins' sizes.
   */
  static double calibrationError(double[] probabilities, boolean[] events) {
    double[] gap = new double[BINS];
    for (int i = 0; i < probabilities.length; i++) {
      int bin = Math.min(BINS - 1, (int) (probabilities[i] * BINS));
      gap[bin] += probabilities[i] - (events[i] ? 1 : 0);
    }
    return Arrays.stream(gap).map(Math::abs).sum() / probabilities.length;
  }

  /** Returns the mean squared gap between what was predicted and what came true. */
  static double brierScore(double[] probabilities, boolean[] events) {
    double sum = 0;
    for (int i = 0; i < probabilities.length; i++) {
      double gap = probabilities[i] - (events[i] ? 1 : 0);
      sum += gap * gap;
    }
    return sum / probabilities.length;
  }
}
