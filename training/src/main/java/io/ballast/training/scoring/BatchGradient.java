package io.ballast.training.scoring;

import java.util.Arrays;

/**
 * The gradient of a batch's loss by a head's weights, group after group.
 *
 * <pre>Σ loss / terms + c·mean(s²)</pre>
 */
final class BatchGradient {
  private final HeadNetwork network;
  private final GroupLoss loss;
  private final double scoreDecay;
  private final double terms;
  private final int completions;

  private BatchGradient(
      HeadNetwork network, GroupLoss loss, double scoreDecay, double terms, int completions) {
    this.network = network;
    this.loss = loss;
    this.scoreDecay = scoreDecay;
    this.terms = terms;
    this.completions = completions;
  }

  /** Forgets the network's gradients and begins a batch of groups of a table. */
  static BatchGradient begin(
      HeadNetwork network, GroupLoss loss, double scoreDecay, FeatureTable table, int[] batch) {
    Arrays.fill(network.gradients(), 0);
    double terms = 0;
    int completions = 0;
    for (int group : batch) {
      terms += loss.terms(table.group(group));
      completions += table.end(group) - table.start(group);
    }
    return new BatchGradient(network, loss, scoreDecay, terms, completions);
  }

  /** Whether the batch has no terms, and teaches nothing. */
  boolean isEmpty() {
    return terms == 0;
  }

  /**
   * Adds a group's part to the network's gradients.
   *
   * @param features shape [G][F], standardised
   * @return the derivatives by the inputs of the hidden units, shape [G][N]
   */
  double[][] add(JudgedGroup group, float[][] features) {
    int size = features.length;
    double[][] units = new double[size][network.hiddenWidth()];
    double[] scores = new double[size];
    for (int i = 0; i < size; i++) {
      scores[i] = network.forward(features[i], units[i]);
    }
    double[] byScore = new double[size];
    loss.loss(group, scores, byScore);
    double[][] byUnits = new double[size][];
    for (int i = 0; i < size; i++) {
      double total = byScore[i] / terms + 2 * scoreDecay * scores[i] / completions;
      byUnits[i] = network.backward(features[i], units[i], total);
    }
    return byUnits;
  }
}
