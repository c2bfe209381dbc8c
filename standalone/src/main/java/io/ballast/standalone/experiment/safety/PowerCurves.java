package io.ballast.standalone.experiment.safety;

import io.ballast.loadtest.chart.Series;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTest;
import io.ballast.rl.bound.SafetyTestResult.Passed;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * How often a candidate passes whose completions are harmful with a given probability: what each
 * bound costs beside being right. All bounds see the same costs.
 */
final class PowerCurves {
  static final double THRESHOLD = .2;
  static final double DELTA = .1;
  static final int SIZE = 200;
  private static final double FIRST = .08;
  private static final double STEP = .01;
  private static final int POINTS = 15;

  private PowerCurves() {}

  /** Returns, for each bound, the share of tests that pass against the probability of harm. */
  static List<Series> drawn(int trials, long seed) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    BoundMethod[] methods = BoundMethod.values();
    int[][] passed = new int[methods.length][POINTS];
    for (int p = 0; p < POINTS; p++) {
      for (int trial = 0; trial < trials; trial++) {
        double[] costs = new double[SIZE];
        for (int i = 0; i < SIZE; i++) {
          costs[i] = random.nextDouble() < FIRST + p * STEP ? 1 : 0;
        }
        for (int m = 0; m < methods.length; m++) {
          SafetyTest test = new SafetyTest(THRESHOLD, DELTA, methods[m]);
          passed[m][p] += test.decide(costs) instanceof Passed ? 1 : 0;
        }
      }
    }
    List<Series> lines = new ArrayList<>();
    for (int m = 0; m < methods.length; m++) {
      List<Series.Point> points = new ArrayList<>();
      for (int p = 0; p < POINTS; p++) {
        points.add(new Series.Point(FIRST + p * STEP, (double) passed[m][p] / trials));
      }
      lines.add(new Series(label(methods[m]), colour(methods[m]), points));
    }
    return lines;
  }

  /** A bound in words. */
  static String label(BoundMethod method) {
    return switch (method) {
      case STUDENT_T -> "Student's t";
      case HOEFFDING -> "Hoeffding";
      case EMPIRICAL_BERNSTEIN -> "empirical Bernstein";
      case CLOPPER_PEARSON -> "Clopper-Pearson";
      case BETTING -> "betting";
    };
  }

  private static String colour(BoundMethod method) {
    return switch (method) {
      case STUDENT_T -> "#4c78a8";
      case HOEFFDING -> "#e0803a";
      case EMPIRICAL_BERNSTEIN -> "#b5453c";
      case CLOPPER_PEARSON -> "#3f8f5f";
      case BETTING -> "#9c6fb0";
    };
  }

  /** What the chart shows. */
  static String title() {
    return String.format(
        Locale.ROOT,
        "Share that passes against true harm: τ %.1f, δ %.1f, n %d",
        THRESHOLD,
        DELTA,
        SIZE);
  }
}
