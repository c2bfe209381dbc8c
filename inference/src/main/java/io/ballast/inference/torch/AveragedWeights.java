package io.ballast.inference.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The exponential moving average of numbers in training, in their full width.
 *
 * <pre>θ̄ ← d·θ̄ + (1 − d)·θ   after every step, from θ̄ = θ</pre>
 *
 * <p>Since it starts at the numbers themselves it needs no correction of its bias. Source: Polyak
 * and Juditsky 1992; Ouyang et al. 2022 (d = 0.992), appendix C, arXiv:2203.02155.
 */
final class AveragedWeights implements AutoCloseable {
  private final double decay;
  private final Tensor average;

  /**
   * Starts from the numbers as they are.
   *
   * @param flat the numbers in training
   * @param decay d, at least 0, below 1
   */
  AveragedWeights(Tensor flat, double decay) {
    this.decay = decay;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      average = flat.detach().clone();
      average.retainReference();
    }
  }

  double decay() {
    return decay;
  }

  /** Takes a step's outcome in. The caller has opened a scope. */
  void follow(Tensor flat) {
    follow(flat, 0);
  }

  /** The same of a step that moved the numbers from {@code first} on alone. */
  void follow(Tensor flat, long first) {
    long count = flat.numel() - first;
    try (NoGradGuard off = new NoGradGuard()) {
      average
          .narrow(0, first, count)
          .mul_(new Scalar(decay))
          .add_(flat.narrow(0, first, count), new Scalar(1 - decay));
    }
  }

  /** The average, of the shape of the numbers. */
  Tensor flat() {
    return average;
  }

  @Override
  public void close() {
    average.releaseReference();
  }
}
