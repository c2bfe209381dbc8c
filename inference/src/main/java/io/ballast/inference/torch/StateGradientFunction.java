package io.ballast.inference.torch;

/** Computes a loss's derivatives from what blocks in training say; plain mathematics. */
@FunctionalInterface
public interface StateGradientFunction {
  /**
   * Returns the derivatives for one unit.
   *
   * @param unit which, in the order in which they were given
   * @param states shape [M][2·D], of all its completions in the order of its rows: the state at the
   *     last token, and the mean over the tokens
   * @return of the same shape
   */
  float[][] gradients(int unit, float[][] states);
}
