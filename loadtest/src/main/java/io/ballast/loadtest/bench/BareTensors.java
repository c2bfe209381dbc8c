package io.ballast.loadtest.bench;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors of plain arrays, and of rows of tokens. */
final class BareTensors {
  private BareTensors() {}

  static Tensor zeros(ScalarType type, long... shape) {
    return torch.zeros(shape, new TensorOptions(type));
  }

  private static Tensor empty(ScalarType type, long... shape) {
    return torch.empty(shape, new TensorOptions(type), new MemoryFormatOptional());
  }

  static Tensor longs(long[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Long, shape);
    new LongPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  static Tensor floats(float[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Float, shape);
    new FloatPointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  static Tensor doubles(double[] values, long... shape) {
    Tensor tensor = empty(ScalarType.Double, shape);
    new DoublePointer(tensor.data_ptr()).put(values);
    return tensor;
  }

  /** {@code length} tokens of each row from that at {@code first}; shape [B · T]. */
  static Tensor flat(int[][] rows, int first, int length) {
    long[] ids = new long[rows.length * length];
    for (int b = 0; b < rows.length; b++) {
      for (int t = 0; t < length; t++) {
        ids[b * length + t] = rows[b][t + first];
      }
    }
    return longs(ids, ids.length);
  }

  /** All tokens of each row; shape [B · T]. */
  static Tensor all(int[][] rows) {
    return flat(rows, 0, rows[0].length);
  }
}
