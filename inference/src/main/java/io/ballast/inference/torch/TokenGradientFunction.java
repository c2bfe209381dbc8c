package io.ballast.inference.torch;

/** Computes a loss's derivatives from what the weights in training say; plain mathematics. */
@FunctionalInterface
public interface TokenGradientFunction {
  /**
   * Returns the derivatives for one group.
   *
   * @param groupIndex which group, in the order in which they were given
   * @param scores under the weights in training
   */
  TokenGradients gradients(int groupIndex, GroupScores scores);
}
