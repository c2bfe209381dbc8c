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
  /** So many are taken through all of a step before the next, while they are in the cache. */
  private static final long PIECE_NUMBERS = 1 << 15;

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
      double correction = Math.sqrt(1 - Math.pow(options.beta2(), steps));
      double rate = learningRate / (1 - Math.pow(options.beta1(), steps));
      Tensor flat = weights.flat();
      for (long from = 0; from < flat.numel(); from += PIECE_NUMBERS) {
        try (PointerScope scope = new PointerScope()) {
          long count = Math.min(PIECE_NUMBERS, flat.numel() - from);
          long decayed = Math.clamp(weights.decayedSize() - from, 0, count);
          Tensor numbers = flat.narrow(0, from, count);
          numbers
              .narrow(0, 0, decayed)
              .mul_(new Scalar(1 - learningRate * options.weightDecay()));
          step(
              numbers,
              gradient.narrow(0, from, count),
              firstMoment.narrow(0, from, count),
              secondMoment.narrow(0, from, count),
              correction,
              rate);
        }
      }
      weights.clearGradients();
      weights.changed();
      return norm;
    }
  }

  /** Takes a step of some of the numbers, which have decayed. */
  private void step(
      Tensor numbers, Tensor gradient, Tensor first, Tensor second, double correction, double rate) {
    first.mul_(new Scalar(options.beta1())).add_(gradient, new Scalar(1 - options.beta1()));
    second
        .mul_(new Scalar(options.beta2()))
        .addcmul_(gradient, gradient, new Scalar(1 - options.beta2()));
    Tensor denominator =
        second.sqrt().mul_(new Scalar(1 / correction)).add_(new Scalar(options.epsilon()));
    numbers.addcdiv_(first, denominator, new Scalar(-rate));
  }

  @Override
  public void close() {
    firstMoment.releaseReference();
    secondMoment.releaseReference();
  }
}
