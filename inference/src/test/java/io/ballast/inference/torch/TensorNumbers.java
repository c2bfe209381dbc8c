package io.ballast.inference.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The numbers of tensors, read without native memory that stays. */
final class TensorNumbers {
  private TensorNumbers() {}

  /** In row-major order. */
  static double[] doubles(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Tensors.doubles(tensor);
    }
  }
}
