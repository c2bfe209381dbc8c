package io.ballast.inference.triton;

import java.util.List;

/** A tensor whose elements lie in memory that the server shares. */
public record SharedTensor(String name, TensorType type, List<Long> shape, SharedSlice slice)
    implements InferInput {
  public SharedTensor {
    shape = List.copyOf(shape);
  }
}
