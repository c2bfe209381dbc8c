package io.ballast.loadtest.bench;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** AdamW on the flat weights of {@link BareLlama}, its gradients clipped at a norm of 1. */
final class BareAdamW {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.95;
  private static final double EPSILON = 1e-8;
  private static final double DECAY = 0.05;

  private final BareWeights weights;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private long steps;

  BareAdamW(BareWeights weights) {
    this.weights = weights;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      long numbers = weights.config.parameterCount();
      firstMoment = weights.keep(BareTensors.zeros(ScalarType.Float, numbers));
      secondMoment = weights.keep(BareTensors.zeros(ScalarType.Float, numbers));
    }
  }

  /** Takes a step down the gradients, and clears them. */
  void step(double learningRate) {
    Tensor gradients = weights.gradients;
    Tensor master = weights.master;
    long matrixNumbers = weights.matrixNumbers;
    try (NoGradGuard off = new NoGradGuard()) {
      if (weights.twoTypes) {
        gradients.narrow(0, 0, matrixNumbers).add_(weights.productGradients, new Scalar(1.0));
      }
      double norm = gradients.norm().item_double();
      if (norm > 1) {
        gradients.mul_(new Scalar(1 / (norm + 1e-6)));
      }
      steps++;
      firstMoment.mul_(new Scalar(BETA1)).add_(gradients, new Scalar(1 - BETA1));
      secondMoment.mul_(new Scalar(BETA2)).addcmul_(gradients, gradients, new Scalar(1 - BETA2));
      master.narrow(0, 0, matrixNumbers).mul_(new Scalar(1 - learningRate * DECAY));
      double correction = Math.sqrt(1 - Math.pow(BETA2, steps));
      master.addcdiv_(
          firstMoment,
          secondMoment.sqrt().mul_(new Scalar(1 / correction)).add_(new Scalar(EPSILON)),
          new Scalar(-learningRate / (1 - Math.pow(BETA1, steps))));
      gradients.zero_();
      if (weights.twoTypes) {
        weights.productGradients.zero_();
      }
      weights.copyProducts();
    }
  }
}
