package io.ballast.kit.kserve;

import java.util.Collections;
import java.util.List;

/**
 * One tensor of a request or an answer.
 *
 * @param shape the batch included; its product is the number of values
 */
public record Tensor(String name, List<Long> shape, TensorValues values) {
  public Tensor {
    shape = List.copyOf(shape);
    long elements = shape.stream().reduce(1L, (a, b) -> a * b);
    if (elements != values.size()) {
      throw new IllegalArgumentException(
          "%s: %,d values for shape %s".formatted(name, values.size(), shape));
    }
  }

  /** A column of texts: shape [N, 1]. */
  public static Tensor column(String name, TensorValues values) {
    return new Tensor(name, List.of((long) values.size(), 1L), values);
  }

  /** A list: shape [N]. */
  public static Tensor list(String name, TensorValues values) {
    return new Tensor(name, List.of((long) values.size()), values);
  }

  /** A table: shape [N, K]. */
  public static Tensor table(String name, List<List<Float>> rows, int columns) {
    List<Float> all = rows.stream().flatMap(List::stream).toList();
    return new Tensor(
        name, List.of((long) rows.size(), (long) columns), new TensorValues.Floats(all));
  }

  /** The texts of a tensor of BYTES. */
  public List<String> texts() {
    return values instanceof TensorValues.Texts given ? given.texts() : Collections.emptyList();
  }
}
