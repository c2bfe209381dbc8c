package io.ballast.inference.triton;

import java.util.List;
import java.util.Optional;

/**
 * What a model takes and gives, as its server promises it.
 *
 * @param versions those that take inferences
 * @param platform what runs it, such as "python" or "onnxruntime_onnx"
 * @param maxBatchSize 0: it has no batch dimension
 * @param decoupled whether a request may have any number of answers; such a model answers only on
 *     streams
 */
public record ModelDescription(
    String name,
    List<String> versions,
    String platform,
    List<TensorPromise> inputs,
    List<TensorPromise> outputs,
    int maxBatchSize,
    boolean decoupled) {

  public ModelDescription {
    versions = List.copyOf(versions);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * One tensor.
   *
   * @param shape the batch included; −1 for a dimension of any size
   * @param optional whether a request may leave it out
   */
  public record TensorPromise(String name, TensorType type, List<Long> shape, boolean optional) {
    public TensorPromise {
      shape = List.copyOf(shape);
    }

    /** One row of it, without the batch's dimension. */
    TensorPromise row() {
      return new TensorPromise(
          name, type, shape.subList(Math.min(1, shape.size()), shape.size()), optional);
    }

    /** Whether {@code actual} is of this shape. */
    boolean allows(List<Long> actual) {
      if (actual.size() != shape.size()) {
        return false;
      }
      for (int i = 0; i < shape.size(); i++) {
        if (shape.get(i) >= 0 && !shape.get(i).equals(actual.get(i))) {
          return false;
        }
      }
      return true;
    }
  }

  /** Returns what is promised of the output of this name, if it is promised. */
  Optional<TensorPromise> output(String output) {
    for (TensorPromise tensor : outputs) {
      if (tensor.name().equals(output)) {
        return Optional.of(tensor);
      }
    }
    return Optional.empty();
  }

  /** Whether it takes an input of this name. */
  public boolean takes(String input) {
    return inputs.stream().anyMatch(tensor -> tensor.name().equals(input));
  }

  /** Whether it gives an output of this name. */
  public boolean gives(String output) {
    return output(output).isPresent();
  }
}
