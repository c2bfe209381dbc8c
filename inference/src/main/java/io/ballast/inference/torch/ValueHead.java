package io.ballast.inference.torch;

import io.ballast.inference.torch.ParameterLayout.Critic;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The critic on a decoder's trunk: Vᵗ = w·hᵗ + b, where hᵗ is the state from which token t is
 * predicted, normalised, so that Vᵗ is the value of the prompt and the tokens before t. With w and
 * b zero, as they start, every value is 0.
 *
 * <p>Source: Schulman et al. 2017 (PPO), §5, arXiv:1707.06347: policy and value function share
 * their parameters.
 *
 * <p>All methods are called inside the caller's scope. Shape letters: N rows, D hidden size.
 */
final class ValueHead {
  private final Tensor weight;
  private final Tensor bias;
  private final Tensor weightGradient;
  private final Tensor biasGradient;

  /** Binds the weights and their gradients, which lie in flat buffers of the full type. */
  ValueHead(Tensor weights, Tensor gradients, Critic critic) {
    this.weight = FlatNumbers.shaped(weights, critic.weight());
    this.bias = FlatNumbers.shaped(weights, critic.bias());
    this.weightGradient = FlatNumbers.shaped(gradients, critic.weight());
    this.biasGradient = FlatNumbers.shaped(gradients, critic.bias());
  }

  /**
   * Returns the values, shape [N], full type.
   *
   * @param input shape [N, D], normalised, detached
   */
  Tensor values(Tensor input) {
    try (NoGradGuard off = new NoGradGuard()) {
      return input.to(weight.scalar_type()).matmul(weight).add(bias);
    }
  }

  /**
   * Back-propagates Σ u·V: adds the gradients of w and b.
   *
   * @param input as for {@link #values}
   * @param byValue u, shape [N], full type
   * @return the gradient by the input, shape [N, D], full type
   */
  Tensor backward(Tensor input, Tensor byValue) {
    try (NoGradGuard off = new NoGradGuard()) {
      weightGradient.add_(byValue.matmul(input.to(weight.scalar_type())), new Scalar(1.0));
      biasGradient.add_(byValue.sum(), new Scalar(1.0));
      return byValue.unsqueeze(1).mul(weight);
    }
  }
}
