package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringHeads.Head;
import java.util.random.RandomGenerator;

/**
 * A head in training: features → N units of tanh → one score, with its gradient.
 *
 * <p>All weights lie in one array: W₁ as [F, N], so that the inner loops run along N; then b₁ [N],
 * w₂ [N], b₂. Not thread-safe.
 */
final class HeadNetwork implements FeatureHead {
  private final int width;
  private final int hidden;
  private final double[] parameters;
  private final double[] gradients;

  /** A head of small random weights; its last layer is small, so that scores begin near 0. */
  HeadNetwork(int width, int hidden, RandomGenerator random) {
    this.width = width;
    this.hidden = hidden;
    this.parameters = new double[width * hidden + 2 * hidden + 1];
    this.gradients = new double[parameters.length];
    double scale = 1 / Math.sqrt(width);
    for (int i = 0; i < width * hidden; i++) {
      parameters[i] = random.nextGaussian() * scale;
    }
    for (int n = 0; n < hidden; n++) {
      parameters[width * hidden + hidden + n] = random.nextGaussian() * 0.1 / Math.sqrt(hidden);
    }
  }

  /** All weights; the optimiser writes them. */
  double[] parameters() {
    return parameters;
  }

  /** What {@link #backward} has collected, in the order of the weights. */
  double[] gradients() {
    return gradients;
  }

  /** Units of the hidden layer, N. */
  int hiddenWidth() {
    return hidden;
  }

  /** The first index of the weights that do not multiply features: biases and the last layer. */
  int firstLayerSize() {
    return width * hidden;
  }

  /**
   * Returns the score of a completion.
   *
   * @param features shape [F], standardised
   * @param units receives the hidden layer's values, shape [N]
   */
  double forward(float[] features, double[] units) {
    int bias = width * hidden;
    System.arraycopy(parameters, bias, units, 0, hidden);
    for (int f = 0; f < width; f++) {
      double x = features[f];
      int row = f * hidden;
      for (int n = 0; n < hidden; n++) {
        units[n] += x * parameters[row + n];
      }
    }
    double score = parameters[bias + 2 * hidden];
    for (int n = 0; n < hidden; n++) {
      units[n] = Math.tanh(units[n]);
      score += parameters[bias + hidden + n] * units[n];
    }
    return score;
  }

  /**
   * Adds the gradient of a loss.
   *
   * @param features as given to {@link #forward}
   * @param units as {@link #forward} left them
   * @param byScore the loss's derivative by the score
   * @return its derivatives by the units' inputs, shape [N]
   */
  double[] backward(float[] features, double[] units, double byScore) {
    int bias = width * hidden;
    double[] byUnit = new double[hidden];
    gradients[bias + 2 * hidden] += byScore;
    for (int n = 0; n < hidden; n++) {
      gradients[bias + hidden + n] += byScore * units[n];
      byUnit[n] = byScore * parameters[bias + hidden + n] * (1 - units[n] * units[n]);
      gradients[bias + n] += byUnit[n];
    }
    for (int f = 0; f < width; f++) {
      double x = features[f];
      int row = f * hidden;
      for (int n = 0; n < hidden; n++) {
        gradients[row + n] += x * byUnit[n];
      }
    }
    return byUnit;
  }

  /**
   * Returns the derivatives by the features, shape [F].
   *
   * @param byUnit as {@link #backward} returned them
   */
  float[] byFeatures(double[] byUnit) {
    float[] byFeatures = new float[width];
    for (int f = 0; f < width; f++) {
      double sum = 0;
      for (int n = 0; n < hidden; n++) {
        sum += parameters[f * hidden + n] * byUnit[n];
      }
      byFeatures[f] = (float) sum;
    }
    return byFeatures;
  }

  @Override
  public double[] scores(FeatureTable standardized) {
    double[] scores = new double[standardized.size()];
    double[] units = new double[hidden];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = forward(standardized.features(i), units);
    }
    return scores;
  }

  @Override
  public Head head() {
    float[] hiddenWeight = new float[width * hidden];
    float[] hiddenBias = new float[hidden];
    float[] outputWeight = new float[hidden];
    int bias = width * hidden;
    for (int n = 0; n < hidden; n++) {
      for (int f = 0; f < width; f++) {
        hiddenWeight[n * width + f] = (float) parameters[f * hidden + n];
      }
      hiddenBias[n] = (float) parameters[bias + n];
      outputWeight[n] = (float) parameters[bias + hidden + n];
    }
    return new Head(hiddenWeight, hiddenBias, outputWeight, (float) parameters[bias + 2 * hidden]);
  }
}
