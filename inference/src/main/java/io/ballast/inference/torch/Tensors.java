package io.ballast.inference.torch;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Crosses the border between Java arrays and tensors. Every array is copied. */
final class Tensors {
  private Tensors() {}

  /**
   * "As the argument": a new one each time, since whoever opens a scope owns what is made in it.
   */
  static ScalarTypeOptional sameType() {
    return new ScalarTypeOptional();
  }

  /** What is written beyond a tensor is somebody else's memory. */
  private static void requireSize(int count, long[] shape) {
    long size = 1;
    for (long length : shape) {
      size *= length;
    }
    if (count != size) {
      throw new IllegalArgumentException(
          "values: "
              + count
              + " (expected: "
              + size
              + ", the shape "
              + Arrays.toString(shape)
              + ")");
    }
  }

  static Tensor zeros(ScalarType type, long... shape) {
    return torch.zeros(shape, new TensorOptions(type));
  }

  static Tensor empty(ScalarType type, long... shape) {
    return torch.empty(shape, new TensorOptions(type), new MemoryFormatOptional());
  }

  /**
   * Returns the memory of a tensor whose numbers adjoin, in row-major order. It is there as long as
   * the tensor is; nothing checks that.
   */
  static MemorySegment memory(Tensor tensor) {
    if (!tensor.is_contiguous()) {
      throw new IllegalArgumentException("tensor: is not contiguous");
    }
    return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
  }

  /** Returns the first {@code count} of {@code values}, shape [{@code count}]. */
  static Tensor first(float[] values, int count) {
    Tensor tensor = empty(ScalarType.Float, count);
    new FloatPointer(tensor.data_ptr()).put(values, 0, count);
    return tensor;
  }

  static Tensor of(long[] values, long... shape) {
    requireSize(values.length, shape);
    Tensor tensor = empty(ScalarType.Long, shape);
    new LongPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  /** Returns {@code values}, shape [their number]. */
  static Tensor of(List<Long> values) {
    return of(values.stream().mapToLong(Long::longValue).toArray(), values.size());
  }

  static Tensor of(float[] values, long... shape) {
    requireSize(values.length, shape);
    Tensor tensor = empty(ScalarType.Float, shape);
    new FloatPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  static Tensor of(double[] values, long... shape) {
    requireSize(values.length, shape);
    Tensor tensor = empty(ScalarType.Double, shape);
    new DoublePointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  static Tensor of(boolean[] values, long... shape) {
    requireSize(values.length, shape);
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    Tensor tensor = empty(ScalarType.Bool, shape);
    new BytePointer(tensor.data_ptr()).put(bytes);
    return tensor;
  }

  /** Returns the numbers of {@code tensor} in row-major order. */
  static float[] floats(Tensor tensor) {
    Tensor dense = tensor.to(ScalarType.Float).contiguous();
    float[] values = new float[Math.toIntExact(dense.numel())];
    new FloatPointer(dense.data_ptr()).get(values);
    return values;
  }

  /** Returns the numbers of {@code tensor} in row-major order. */
  static double[] doubles(Tensor tensor) {
    Tensor dense = tensor.to(ScalarType.Double).contiguous();
    double[] values = new double[Math.toIntExact(dense.numel())];
    new DoublePointer(dense.data_ptr()).get(values);
    return values;
  }

  /** Returns the numbers of {@code tensor} in row-major order. */
  static long[] longs(Tensor tensor) {
    Tensor dense = tensor.to(ScalarType.Long).contiguous();
    long[] values = new long[Math.toIntExact(dense.numel())];
    new LongPointer(dense.data_ptr()).get(values);
    return values;
  }
}
