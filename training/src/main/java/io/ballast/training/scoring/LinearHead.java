package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringHeads.Head;
import java.util.random.RandomGenerator;

/** A linear head in training: all weights in one array, w [F], then b. Not thread-safe. */
final class LinearHead implements FeatureHead {
  private final int width;
  private final double[] parameters;

  /** A head of small random weights. */
  LinearHead(int width, RandomGenerator random) {
    this.width = width;
    this.parameters = new double[width + 1];
    double scale = 1 / Math.sqrt(width);
    for (int f = 0; f < width; f++) {
      parameters[f] = random.nextGaussian() * scale;
    }
  }

  private LinearHead(LinearHead other) {
    this.width = other.width;
    this.parameters = other.parameters.clone();
  }

  /** Returns a head of the same weights. */
  LinearHead copy() {
    return new LinearHead(this);
  }

  /** All weights; the optimiser writes them. */
  double[] parameters() {
    return parameters;
  }

  /** Returns w · f + b for weights of any source, shape [F + 1]. */
  static double score(double[] parameters, float[] features) {
    double score = parameters[features.length];
    for (int f = 0; f < features.length; f++) {
      score += parameters[f] * features[f];
    }
    return score;
  }

  @Override
  public double[] scores(FeatureTable standardized) {
    double[] scores = new double[standardized.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = score(parameters, standardized.features(i));
    }
    return scores;
  }

  @Override
  public Head head() {
    float[] weight = new float[width];
    for (int f = 0; f < width; f++) {
      weight[f] = (float) parameters[f];
    }
    return Head.linear(weight, (float) parameters[width]);
  }
}
