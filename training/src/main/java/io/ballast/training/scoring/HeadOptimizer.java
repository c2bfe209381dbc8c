package io.ballast.training.scoring;

/** AdamW over a head's weights. Source: Loshchilov and Hutter 2019, arXiv:1711.05101. */
final class HeadOptimizer {
  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final HeadNetwork network;
  private final double weightDecay;
  private final double[] first;
  private final double[] second;
  private int steps;

  /** An optimiser that has taken no step; of the weights only the first layer's decay. */
  HeadOptimizer(HeadNetwork network, double weightDecay) {
    this.network = network;
    this.weightDecay = weightDecay;
    this.first = new double[network.parameters().length];
    this.second = new double[first.length];
  }

  /** Takes one step down the network's gradients. */
  void step(double learningRate) {
    steps++;
    double[] weights = network.parameters();
    double[] gradients = network.gradients();
    double correction1 = 1 - Math.pow(BETA_1, steps);
    double correction2 = 1 - Math.pow(BETA_2, steps);
    double decay = 1 - learningRate * weightDecay;
    for (int i = 0; i < weights.length; i++) {
      double gradient = gradients[i];
      first[i] = BETA_1 * first[i] + (1 - BETA_1) * gradient;
      second[i] = BETA_2 * second[i] + (1 - BETA_2) * gradient * gradient;
      double move = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + EPSILON);
      double kept = i < network.firstLayerSize() ? weights[i] * decay : weights[i];
      weights[i] = kept - learningRate * move;
    }
  }
}
