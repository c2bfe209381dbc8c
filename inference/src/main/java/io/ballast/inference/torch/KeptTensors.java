package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Tensors that stay until they are closed, whatever scope they are made in. */
abstract class KeptTensors implements AutoCloseable {
  private final List<Tensor> tensors = new ArrayList<>();

  final Tensor kept(Tensor tensor) {
    tensor.retainReference();
    tensors.add(tensor);
    return tensor;
  }

  @Override
  public final void close() {
    tensors.forEach(Tensor::releaseReference);
    tensors.clear();
  }
}
