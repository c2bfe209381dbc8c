package io.ballast.training.scoring;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * The minimum of a strictly convex function, by limited-memory BFGS.
 *
 * <p>Source: Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 (two loops over the
 * last 10 steps) and 3.1 (backtracking). Strict convexity gives every step a positive curvature, so
 * that the sufficient decrease is the only condition on its length.
 */
final class ConvexMinimum {
  /** A function with its gradient. */
  @FunctionalInterface
  interface Function {
    /**
     * Returns the value at a point.
     *
     * @param point shape [n]; not to be written
     * @param gradient shape [n]; is overwritten
     */
    double at(double[] point, double[] gradient);
  }

  private record Step(double[] move, double[] turn, double curvature) {}

  private static final int REMEMBERED = 10;
  private static final double SUFFICIENT = 1e-4;
  private static final double ROUNDING = 1e-13;
  private static final double SHORTEST = 1e-12;

  private final Function function;
  private final double tolerance;
  private final int most;

  /**
   * A search.
   *
   * @param tolerance Euclidean norm of the gradient at which it ends, &gt; 0
   * @param most steps, ≥ 1
   */
  ConvexMinimum(Function function, double tolerance, int most) {
    this.function = function;
    this.tolerance = tolerance;
    this.most = most;
  }

  /**
   * Moves {@code point} to the minimum.
   *
   * @return the norm of the gradient there; above the tolerance if the steps did not suffice
   */
  double search(double[] point) {
    int size = point.length;
    double[] gradient = new double[size];
    double value = function.at(point, gradient);
    Deque<Step> steps = new ArrayDeque<>();
    double[] next = new double[size];
    double[] nextGradient = new double[size];
    for (int step = 0; step < most && norm(gradient) > tolerance; step++) {
      double[] direction = direction(gradient, steps);
      double slope = dot(direction, gradient);
      double length = steps.isEmpty() ? Math.min(1, 1 / norm(gradient)) : 1;
      double nextValue;
      while (true) {
        for (int i = 0; i < size; i++) {
          next[i] = point[i] + length * direction[i];
        }
        nextValue = function.at(next, nextGradient);
        boolean fell = nextValue <= value + SUFFICIENT * length * slope;
        // where the values differ by rounding alone, the gradient tells
        boolean level = Math.abs(nextValue - value) <= ROUNDING * Math.max(1, Math.abs(value));
        if (fell || (level && norm(nextGradient) < norm(gradient))) {
          break;
        }
        length /= 2;
        if (length < SHORTEST) {
          return norm(gradient);
        }
      }
      double[] move = difference(next, point);
      double[] turn = difference(nextGradient, gradient);
      double curvature = dot(move, turn);
      if (curvature > 0) {
        steps.addLast(new Step(move, turn, curvature));
        if (steps.size() > REMEMBERED) {
          steps.removeFirst();
        }
      }
      System.arraycopy(next, 0, point, 0, size);
      System.arraycopy(nextGradient, 0, gradient, 0, size);
      value = nextValue;
    }
    return norm(gradient);
  }

  /** −H·g, H being what the last steps say of the inverse Hessian. */
  private static double[] direction(double[] gradient, Deque<Step> steps) {
    double[] direction = gradient.clone();
    double[] alphas = new double[steps.size()];
    int i = steps.size();
    for (Iterator<Step> back = steps.descendingIterator(); back.hasNext(); ) {
      Step step = back.next();
      alphas[--i] = dot(step.move(), direction) / step.curvature();
      add(direction, -alphas[i], step.turn());
    }
    if (!steps.isEmpty()) {
      Step last = steps.getLast();
      double scale = last.curvature() / dot(last.turn(), last.turn());
      for (int j = 0; j < direction.length; j++) {
        direction[j] *= scale;
      }
    }
    for (Step step : steps) {
      double beta = dot(step.turn(), direction) / step.curvature();
      add(direction, alphas[i++] - beta, step.move());
    }
    for (int j = 0; j < direction.length; j++) {
      direction[j] = -direction[j];
    }
    return direction;
  }

  private static void add(double[] to, double times, double[] what) {
    for (int i = 0; i < to.length; i++) {
      to[i] += times * what[i];
    }
  }

  private static double[] difference(double[] a, double[] b) {
    double[] difference = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return difference;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double norm(double[] x) {
    return Math.sqrt(dot(x, x));
  }
}
