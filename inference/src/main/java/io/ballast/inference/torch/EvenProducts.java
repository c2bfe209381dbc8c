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
 * row at a time is taken to. For one thread.
 */
final class EvenProducts implements Products {
  private static final int TRIALS = 2;
  private static final int UNLIKE_OUTPUTS = 256;

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
    boolean rounded = weight.element_size() < Float.BYTES;
    Tensor matrix = rounded ? halvesAlike(weight) : weight;
    SplittableRandom random = new SplittableRandom(1);
    long[] shape = new long[Math.toIntExact(axes)];
    Arrays.fill(shape, 1);
    shape[shape.length - 1] = weight.size(1);
    long[] all = shape.clone();
    all[0] = most;
    for (int trial = 0; trial < TRIALS; trial++) {
      float[] row = new float[Math.toIntExact(weight.size(1))];
      int half = row.length / 2;
      for (int i = 0; i < row.length; i++) {
        row[i] =
            rounded && i >= half
                ? (i < 2 * half ? -row[i - half] : 0)
                : (float) random.nextGaussian();
      }
      Tensor same = Tensors.of(row, shape).expand(all).contiguous().to(weight.scalar_type());
      Tensor products = inBlocks(same, matrix, rows);
      if (!products.equal(products.narrow(0, 0, 1).expand_as(products))) {
        return false;
      }
    }
    return true;
  }

  /**
   * A matrix of this shape and type whose second half of columns is its first again. A row whose
   * halves are each other's opposites then gives sums of which nothing is left but what they were
   * rounded by: in 16 bits the order of a sum shows in little else.
   */
  private static Tensor halvesAlike(Tensor weight) {
    long outputs = weight.size(0);
    long width = weight.size(1);
    long half = width / 2;
    int unlike = Math.toIntExact(Math.min(outputs, UNLIKE_OUTPUTS));
    SplittableRandom random = new SplittableRandom(2);
    float[] values = new float[Math.toIntExact(unlike * width)];
    for (int m = 0; m < unlike; m++) {
      int from = Math.toIntExact(m * width);
      for (int i = 0; i < 2 * half; i++) {
        values[from + i] =
            i < half ? (float) random.nextGaussian() : values[Math.toIntExact(from + i - half)];
      }
    }
    return Tensors.of(values, unlike, width)
        .to(weight.scalar_type())
        .repeat((outputs + unlike - 1) / unlike, 1)
        .narrow(0, 0, outputs);
  }
}
