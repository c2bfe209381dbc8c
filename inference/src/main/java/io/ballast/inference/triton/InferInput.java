package io.ballast.inference.triton;

import java.util.List;

/** What a model is given under one name: a tensor that travels, or one that lies in memory. */
public sealed interface InferInput permits Tensor, SharedTensor {
  /** The model's name for it. */
  String name();

  /** The type of its elements. */
  TensorType type();

  /** Its shape, the batch included. */
  List<Long> shape();
}
