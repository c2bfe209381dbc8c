package io.ballast.training.scoring;

import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringHeads;
import java.util.ArrayList;
import java.util.List;

/**
 * The members of an ensemble as they were trained, ready to score features that were read
 * elsewhere. Immutable, but for the work space of a call: safe for use by many threads.
 *
 * <p>Shape letters: K members, N completions, F features.
 */
public final class TrainedMembers {
  private final float[] mean;
  private final float[] std;
  private final List<FeatureHead> trained;
  private final List<Normalization> normalizations;

  /**
   * Members over standardised features.
   *
   * @param mean of the features, shape [F]
   * @param std of the features, shape [F]
   * @param trained shape [K]
   * @param normalizations shape [K]
   */
  TrainedMembers(
      float[] mean, float[] std, List<FeatureHead> trained, List<Normalization> normalizations) {
    this.mean = mean;
    this.std = std;
    this.trained = List.copyOf(trained);
    this.normalizations = List.copyOf(normalizations);
  }

  /**
   * Returns the same members with their scores raised.
   *
   * @param shifts what is added to each one's raw scores, shape [K], finite
   */
  TrainedMembers shifted(double[] shifts) {
    List<FeatureHead> heads = new ArrayList<>();
    List<Normalization> moved = new ArrayList<>();
    for (int k = 0; k < shifts.length; k++) {
      Normalization own = normalizations.get(k);
      heads.add(shifts[k] == 0 ? trained.get(k) : new ShiftedHead(trained.get(k), shifts[k]));
      moved.add(new Normalization(own.mean() + shifts[k], own.std()));
    }
    return new TrainedMembers(mean, std, heads, moved);
  }

  /** K. */
  public int size() {
    return trained.size();
  }

  /** Each member's raw scores' mean and standard deviation over what it learned from, shape [K]. */
  public List<Normalization> normalizations() {
    return normalizations;
  }

  /** Returns the weights as a scoring folder keeps them. */
  public ScoringHeads heads() {
    return new ScoringHeads(mean, std, trained.stream().map(FeatureHead::head).toList());
  }

  /**
   * Returns each member's scores on the common scale, (raw − mean) / std.
   *
   * @param table features as read, not standardised, of F numbers each
   * @return shape [K][N of the table]
   */
  public double[][] normalized(FeatureTable table) {
    if (table.width() != mean.length) {
      throw new IllegalArgumentException(
          "features: %d (expected: %d, as trained)".formatted(table.width(), mean.length));
    }
    double[][] scores = raw(table.standardized(mean, std));
    for (int k = 0; k < scores.length; k++) {
      for (int i = 0; i < scores[k].length; i++) {
        scores[k][i] = normalizations.get(k).normalize(scores[k][i]);
      }
    }
    return scores;
  }

  /** Returns a table as the members see it. */
  FeatureTable standardized(FeatureTable table) {
    return table.standardized(mean, std);
  }

  /** Returns each member's raw scores of a table that is standardised, shape [K][N]. */
  double[][] raw(FeatureTable standardized) {
    return trained.stream().map(member -> member.scores(standardized)).toArray(double[][]::new);
  }
}
