package io.ballast.inference.torch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** How rows of numbers are multiplied with a matrix of weights. */
@FunctionalInterface
interface Products {
  /**
   * Multiplies.
   *
   * @param x shape [N, …, D]
   * @param weight shape [M, D]
   * @return shape [N, …, M]
   */
  Tensor linear(Tensor x, Tensor weight);

  /** All rows at once, the quickest. A row's last bits may depend on how many others there are. */
  static Products atOnce() {
    return torch::linear;
  }

  /**
   * As many rows at a time as have every row come out the same, bit by bit, in each place and any
   * company; see {@link EvenProducts}.
   *
   * @param rows the most rows of a product; divides the number of rows of every {@code x}
   */
  static Products inBlocksOf(int rows) {
    return new EvenProducts(rows);
  }
}
