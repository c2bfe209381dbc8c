package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Numbers;
import java.util.Arrays;
import java.util.Comparator;

/**
 * The rising line that is nearest to what happened: what a score means, if all that is known is
 * that a higher one means more.
 *
 * <pre>min Σ wᵢ(yᵢ − f(xᵢ))²  over all f that do not descend</pre>
 *
 * <p>Source: Ayer et al. 1955 (pool adjacent violators); Zadrozny and Elkan 2002, for calibration.
 * Between the blocks it is a straight line, beyond the first and the last level. Equal scores are
 * one point, their mean.
 *
 * @param scores the ends of the blocks, shape [K], K ≥ 1, strictly ascending
 * @param values shape [K], not descending
 */
public record IsotonicRegression(Numbers scores, Numbers values) {
  /** Checks the shapes above. */
  public IsotonicRegression {
    Require.atLeast(scores.size(), 1, "scores");
    Require.sameLength(values.size(), scores.size(), "values");
    for (int k = 1; k < scores.size(); k++) {
      if (scores.get(k) <= scores.get(k - 1) || values.get(k) < values.get(k - 1)) {
        throw new IllegalArgumentException(
            "knot %d: (%s, %s) after (%s, %s) (expected: scores ascend, values do not descend)"
                .formatted(k, scores.get(k), values.get(k), scores.get(k - 1), values.get(k - 1)));
      }
    }
  }

  /**
   * Returns the fit of probabilities, in which every outcome counts alike. Where the first block
   * has none that happened, or the last none that did not, it is shrunk to (k + ½)/(n + 1) of its n
   * outcomes, or to its neighbour's value where that is nearer: a few outcomes that agree are no
   * certainty.
   */
  public static IsotonicRegression fit(double[] scores, boolean[] happened) {
    Require.sameLength(happened.length, scores.length, "happened");
    double[] outcomes = new double[happened.length];
    for (int i = 0; i < outcomes.length; i++) {
      outcomes[i] = happened[i] ? 1 : 0;
    }
    double[] weights = new double[outcomes.length];
    Arrays.fill(weights, 1);
    return blocks(scores, outcomes, weights).shrunk().line();
  }

  /**
   * Returns the fit.
   *
   * @param scores x, shape [n], n ≥ 1, finite
   * @param outcomes y, shape [n], finite
   * @param weights w, shape [n], each &gt; 0
   */
  public static IsotonicRegression fit(double[] scores, double[] outcomes, double[] weights) {
    return blocks(scores, outcomes, weights).line();
  }

  private static Blocks blocks(double[] scores, double[] outcomes, double[] weights) {
    Require.finite(scores, "scores");
    Require.sameLength(outcomes.length, scores.length, "outcomes");
    Require.finite(outcomes, "outcomes");
    Require.sameLength(weights.length, scores.length, "weights");
    Integer[] order = new Integer[scores.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> scores[i]));
    Blocks blocks = new Blocks(scores.length);
    for (int from = 0, to; from < order.length; from = to) {
      double score = scores[order[from]];
      double pull = 0;
      double mean = 0;
      for (to = from; to < order.length && scores[order[to]] == score; to++) {
        int i = order[to];
        pull += Require.positive(weights[i], "weights[" + i + "]");
        mean += (outcomes[i] - mean) * weights[i] / pull;
      }
      blocks.add(score, mean, pull);
    }
    return blocks;
  }

  /** f(x) of a finite score. */
  public double value(double score) {
    Require.finite(score, "score");
    int right = 0;
    while (right < scores.size() && scores.get(right) < score) {
      right++;
    }
    if (right == scores.size()) {
      return values.get(right - 1);
    }
    if (right == 0 || scores.get(right) == score) {
      return values.get(right);
    }
    double left = scores.get(right - 1);
    double share = (score - left) / (scores.get(right) - left);
    double low = values.get(right - 1);
    return Math.clamp(low + share * (values.get(right) - low), low, values.get(right));
  }

  /** Blocks of neighbours that share a value, rising strictly. */
  private static final class Blocks {
    private final double[] first;
    private final double[] last;
    private final double[] value;
    private final double[] weight;
    private int count;

    Blocks(int most) {
      first = new double[most];
      last = new double[most];
      value = new double[most];
      weight = new double[most];
    }

    void add(double score, double outcome, double pull) {
      first[count] = score;
      last[count] = score;
      value[count] = outcome;
      weight[count] = pull;
      count++;
      while (count > 1 && value[count - 2] >= value[count - 1]) {
        int into = count - 2;
        double together = weight[into] + weight[into + 1];
        value[into] += (value[into + 1] - value[into]) * weight[into + 1] / together;
        weight[into] = together;
        last[into] = last[into + 1];
        count--;
      }
    }

    Blocks shrunk() {
      int end = count - 1;
      if (value[0] == 0) {
        double own = 0.5 / (weight[0] + 1);
        value[0] = end == 0 ? own : Math.min(own, value[1]);
      } else if (end == 0 && value[0] == 1) {
        value[0] = 1 - 0.5 / (weight[0] + 1);
      }
      if (end > 0 && value[end] == 1) {
        value[end] = Math.max(1 - 0.5 / (weight[end] + 1), value[end - 1]);
      }
      return this;
    }

    IsotonicRegression line() {
      double[] scores = new double[2 * count];
      double[] values = new double[2 * count];
      int knots = 0;
      for (int b = 0; b < count; b++) {
        scores[knots] = first[b];
        values[knots++] = value[b];
        if (last[b] > first[b]) {
          scores[knots] = last[b];
          values[knots++] = value[b];
        }
      }
      return new IsotonicRegression(
          Numbers.of(Arrays.copyOf(scores, knots)), Numbers.of(Arrays.copyOf(values, knots)));
    }
  }
}
