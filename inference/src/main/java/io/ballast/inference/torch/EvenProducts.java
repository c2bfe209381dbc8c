package io.ballast.inference.torch;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Products in which a row comes out the same, bit by bit, in any company.
 *
 * <p>A library chooses its way by the number of rows, so every product is of the same number. That
 * is not enough everywhere: where vectors are of 256 bits, the first six of 16 rows were rounded
 * otherwise than the rest. So each matrix is tried when it is first met: it gets the most rows, of
 * the given number and its halves, with which one row comes out the same in every place. A single
 * row at a time always does. For one thread.
 */
final class EvenProducts implements Products {
  private static final int TRIALS = 2;

  private final int most;

  /** Rows of a product, by where the matrix lies in memory and its shape. */
  private final Map<Matrix, Integer> tried = new HashMap<>();

  private record Matrix(long address, long rows, long columns) {
    static Matrix of(Tensor weight) {
      return new Matrix(weight.data_ptr().address(), weight.size(0), weight.size(1));
    }
  }

  /**
   * Binds the number of rows.
   *
   * @param most rows of a product, a power of two; divides the number of rows of every {@code x}
   */
  EvenProducts(int most) {
    if (Integer.bitCount(most) != 1) {
      throw new IllegalArgumentException("most: " + most + " (expected: a power of two)");
    }
    this.most = most;
  }

  @Override
  public Tensor linear(Tensor x, Tensor weight) {
    return inBlocks(
        x, weight, tried.computeIfAbsent(Matrix.of(weight), unused -> rows(weight, x.dim())));
  }

  private static Tensor inBlocks(Tensor x, Tensor weight, int rows) {
    long all = x.size(0);
    if (all == rows) {
      return torch.linear(x, weight);
    }
    TensorVector blocks = new TensorVector();
    for (long from = 0; from < all; from += rows) {
      blocks.push_back(torch.linear(x.narrow(0, from, rows), weight));
    }
    return torch.cat(blocks, 0);
  }

  private int rows(Tensor weight, long axes) {
    try (PointerScope scope = new PointerScope()) {
      int rows = most;
      while (rows > 1 && !even(weight, rows, axes)) {
        rows /= 2;
      }
      return rows;
    }
  }

  /** Whether a row comes out the same in each of {@link #most} places. */
  private boolean even(Tensor weight, int rows, long axes) {
    SplittableRandom random = new SplittableRandom(1);
    long[] shape = new long[Math.toIntExact(axes)];
    Arrays.fill(shape, 1);
    shape[shape.length - 1] = weight.size(1);
    long[] all = shape.clone();
    all[0] = most;
    for (int trial = 0; trial < TRIALS; trial++) {
      float[] row = new float[Math.toIntExact(weight.size(1))];
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
      Tensor same = Tensors.of(row, shape).expand(all).contiguous().to(weight.scalar_type());
      Tensor products = inBlocks(same, weight, rows);
      if (!products.equal(products.narrow(0, 0, 1).expand_as(products))) {
        return false;
      }
    }
    return true;
  }
}
