package io.ballast.kit.kserve;

import java.util.Arrays;
import java.util.List;

/**
 * What a model says of one of its tensors.
 *
 * @param name never empty
 * @param dims the shape without the batch; −1 for a dimension of any size
 * @param optional whether a request may leave it out; false for what a model gives
 */
public record TensorSpec(String name, Datatype datatype, List<Long> dims, boolean optional) {
  public TensorSpec {
    dims = List.copyOf(dims);
  }

  /** One that must be there. */
  public static TensorSpec of(String name, Datatype datatype, long... dims) {
    return new TensorSpec(name, datatype, boxed(dims), false);
  }

  /** One value that a request may leave out. */
  public static TensorSpec optional(String name, Datatype datatype) {
    return new TensorSpec(name, datatype, List.of(1L), true);
  }

  private static List<Long> boxed(long[] dims) {
    return Arrays.stream(dims).boxed().toList();
  }
}
