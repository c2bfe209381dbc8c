package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Adam with decoupled weight decay over one flat buffer; the gradient is clipped by its global norm
 * first. Source: Loshchilov and Hutter 2019, algorithm 2, arXiv:1711.05101.
 *
 * <pre>
 * m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²
 * θ ← θ − ηλθ − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
 * </pre>
 */
final class AdamW implements AutoCloseable {
  private final OptimizerOptions options;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private long steps;

  AdamW(Tensor flat, OptimizerOptions options) {
    this.options = options;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      firstMoment = Tensors.zeros(flat.scalar_type(), flat.numel());
      secondMoment = Tensors.zeros(flat.scalar_type(), flat.numel());
      firstMoment.retainReference();
      secondMoment.retainReference();
    }
  }

  OptimizerOptions options() {
    return options;
  }

  /** Steps taken so far. */
  long steps() {
    return steps;
  }

  Tensor firstMoment() {
    return firstMoment;
  }

  Tensor secondMoment() {
    return secondMoment;
  }

  /** Takes the moments to be those after {@code count} steps. */
  void resumeAfter(long count) {
    steps = count;
  }

  /**
   * Takes one step and forgets the gradients. The caller has opened a scope.
   *
   * @return the gradient's norm before clipping
   * @throws ModelException BROKEN if the norm is not finite: nothing has changed then
   */
  double step(Trained weights, double learningRate) {
    try (NoGradGuard off = new NoGradGuard()) {
      weights.collectGradients();
      Tensor gradient = weights.flatGradients();
      double norm = gradient.norm().item_double();
      if (!Double.isFinite(norm)) {
        weights.clearGradients();
        throw new ModelException(Reason.BROKEN, "gradient norm: " + norm + " (expected: finite)");
      }
      if (norm > options.maxGradientNorm()) {
        gradient.mul_(new Scalar(options.maxGradientNorm() / (norm + 1e-6)));
      }
      steps++;
      firstMoment.mul_(new Scalar(options.beta1())).add_(gradient, new Scalar(1 - options.beta1()));
      secondMoment
          .mul_(new Scalar(options.beta2()))
          .addcmul_(gradient, gradient, new Scalar(1 - options.beta2()));
      Tensor flat = weights.flat();
      flat.narrow(0, 0, weights.decayedSize())
          .mul_(new Scalar(1 - learningRate * options.weightDecay()));
      double correction = Math.sqrt(1 - Math.pow(options.beta2(), steps));
      Tensor denominator =
          secondMoment.sqrt().mul_(new Scalar(1 / correction)).add_(new Scalar(options.epsilon()));
      flat.addcdiv_(
          firstMoment,
          denominator,
          new Scalar(-learningRate / (1 - Math.pow(options.beta1(), steps))));
      weights.clearGradients();
      weights.changed();
      return norm;
    }
  }

  @Override
  public void close() {
    firstMoment.releaseReference();
    secondMoment.releaseReference();
  }
}
