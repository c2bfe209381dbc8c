package io.ballast.inference.torch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
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
   * So many rows at a time, so that a library that chooses its way by the number of rows always
   * chooses the same: a row comes out the same bit by bit in any company.
   *
   * @param rows divides the number of rows of every {@code x}
   */
  static Products inBlocksOf(int rows) {
    return (x, weight) -> {
      long all = x.size(0);
      if (all == rows) {
        return torch.linear(x, weight);
      }
      TensorVector blocks = new TensorVector();
      for (long from = 0; from < all; from += rows) {
        blocks.push_back(torch.linear(x.narrow(0, from, rows), weight));
      }
      return torch.cat(blocks, 0);
    };
  }
}
