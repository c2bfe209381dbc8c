package io.ballast.inference.torch;

import io.ballast.inference.api.NotFiniteException;
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
 *
 * <p>A critic may have taken steps of its own: t is the number of steps that a number itself took.
 */
final class AdamW implements AutoCloseable {
  /** So many are taken through all of a step before the next, while they are in the cache. */
  private static final long PIECE_NUMBERS = 1 << 15;

  private final OptimizerOptions options;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private long steps;
  private long criticSteps;

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

  /** Steps of the critic taken so far, those of {@link #steps} included. */
  long criticSteps() {
    return criticSteps;
  }

  /** Takes the moments to be those after so many steps, and so many of the critic. */
  void resumeAfter(long count, long countOfCritic) {
    steps = count;
    criticSteps = countOfCritic;
  }

  /**
   * Takes one step and forgets the gradients. The caller has opened a scope.
   *
   * @return the gradient's norm before clipping
   * @throws NotFiniteException if the norm is not finite: nothing has changed then
   */
  double step(Trained weights, double learningRate) {
    return step(weights, 0, learningRate);
  }

  /**
   * Takes one step of the critic alone, on its own gradient and by its own norm, and forgets all
   * gradients: no other number, and no moment of one, changes. The caller has opened a scope.
   *
   * @return the norm of the critic's gradient before clipping
   * @throws NotFiniteException if it is not finite: nothing has changed then
   * @throws IllegalStateException if there is no critic
   */
  double stepCritic(Trained weights, double learningRate) {
    if (weights.criticSize() == 0) {
      throw new IllegalStateException("critic: there is none");
    }
    return step(weights, weights.flat().numel() - weights.criticSize(), learningRate);
  }

  /**
   * @param first of the numbers that move: all, or the critic's
   */
  private double step(Trained weights, long first, double learningRate) {
    try (NoGradGuard off = new NoGradGuard()) {
      weights.collectGradients();
      long all = weights.flat().numel();
      Tensor gradient = weights.flatGradients().narrow(0, first, all - first);
      double norm = gradient.norm().item_double();
      if (!Double.isFinite(norm)) {
        weights.clearGradients();
        throw new NotFiniteException("gradient norm: " + norm + " (expected: finite)");
      }
      if (norm > options.maxGradientNorm()) {
        gradient.mul_(new Scalar(options.maxGradientNorm() / (norm + 1e-6)));
      }
      criticSteps++;
      long critic = all - weights.criticSize();
      if (first == 0) {
        steps++;
        boolean together = criticSteps == steps;
        move(weights, 0, together ? all : critic, steps, learningRate);
        if (!together) {
          move(weights, critic, all, criticSteps, learningRate);
        }
      } else {
        move(weights, critic, all, criticSteps, learningRate);
      }
      weights.clearGradients();
      weights.changed();
      return norm;
    }
  }

  /**
   * Moves the numbers from {@code from} on that are before {@code to}.
   *
   * @param taken steps of theirs, this one included
   */
  private void move(Trained weights, long from, long to, long taken, double learningRate) {
    double correction = Math.sqrt(1 - Math.pow(options.beta2(), taken));
    double rate = learningRate / (1 - Math.pow(options.beta1(), taken));
    for (long at = from; at < to; at += PIECE_NUMBERS) {
      try (PointerScope scope = new PointerScope()) {
        long count = Math.min(PIECE_NUMBERS, to - at);
        long decayed = Math.clamp(weights.decayedSize() - at, 0, count);
        Tensor numbers = weights.flat().narrow(0, at, count);
        numbers.narrow(0, 0, decayed).mul_(new Scalar(1 - learningRate * options.weightDecay()));
        move(
            numbers,
            weights.flatGradients().narrow(0, at, count),
            firstMoment.narrow(0, at, count),
            secondMoment.narrow(0, at, count),
            correction,
            rate);
      }
    }
  }

  /** Moves numbers that have decayed. */
  private void move(
      Tensor numbers, Tensor gradient, Tensor mean, Tensor square, double correction, double rate) {
    mean.mul_(new Scalar(options.beta1())).add_(gradient, new Scalar(1 - options.beta1()));
    square
        .mul_(new Scalar(options.beta2()))
        .addcmul_(gradient, gradient, new Scalar(1 - options.beta2()));
    Tensor denominator =
        square.sqrt().mul_(new Scalar(1 / correction)).add_(new Scalar(options.epsilon()));
    numbers.addcdiv_(mean, denominator, new Scalar(-rate));
  }

  @Override
  public void close() {
    firstMoment.releaseReference();
    secondMoment.releaseReference();
  }
}
