package io.ballast.standalone.experiment.safety;

import io.ballast.rl.bound.BoundMethod;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;

/** Costs from 0 to 1 of a known mean. */
enum CostShape {
  /** Normal, five standard deviations from either end. */
  NORMAL("normal costs", .5, 40, random -> Math.clamp(random.nextGaussian(.5, .1), 0, 1), false),
  /** Mostly near 0, with a long tail: u²⁰ of a uniform u. */
  SKEWED("skewed costs", 1.0 / 21, 100, random -> Math.pow(random.nextDouble(), 20), false),
  /** Harm in 3 of 100. */
  RARE("rare harm", .03, 100, random -> random.nextDouble() < .03 ? 1 : 0, true),
  /** Harm in 40 of 100. */
  COMMON("common harm", .4, 100, random -> random.nextDouble() < .4 ? 1 : 0, true);

  private final String label;
  private final double mean;
  private final int size;
  private final ToDoubleFunction<RandomGenerator> draw;
  private final boolean outcomes;

  CostShape(
      String label,
      double mean,
      int size,
      ToDoubleFunction<RandomGenerator> draw,
      boolean outcomes) {
    this.label = label;
    this.mean = mean;
    this.size = size;
    this.draw = draw;
    this.outcomes = outcomes;
  }

  /** In words. */
  String label() {
    return label;
  }

  /** The true mean. */
  double mean() {
    return mean;
  }

  /** How many costs a test has. */
  int size() {
    return size;
  }

  /** Returns a cost, 0 to 1. */
  double draw(RandomGenerator random) {
    return draw.applyAsDouble(random);
  }

  /** The bounds that can be asked of such costs: Clopper and Pearson's takes 0 and 1 alone. */
  List<BoundMethod> methods() {
    return List.of(BoundMethod.values()).stream()
        .filter(method -> outcomes || method != BoundMethod.CLOPPER_PEARSON)
        .toList();
  }

  /**
   * Whether Student's t is expected to cover too seldom: its mean is far from normal at this size.
   */
  boolean isHardForStudentsT() {
    return this == SKEWED || this == RARE;
  }

  /** Whether a bound claims to hold for such costs, however few they are. */
  boolean claimedBy(BoundMethod method) {
    return method != BoundMethod.STUDENT_T || this == NORMAL;
  }
}
