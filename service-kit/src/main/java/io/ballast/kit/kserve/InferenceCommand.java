package io.ballast.kit.kserve;

import io.ballast.kit.call.Caller;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An inference to make; its tensors are what the model's signature says.
 *
 * @param batchSize how many items; 1 for a model without a batch dimension
 * @param inputs by name
 * @param outputs the names of those that are asked for; none: all of them
 */
public record InferenceCommand(
    Caller caller, int batchSize, Map<String, Tensor> inputs, Set<String> outputs) {
  public InferenceCommand {
    inputs = Map.copyOf(inputs);
    outputs = Set.copyOf(outputs);
  }

  /** Whether the output of this name is to be given. */
  public boolean wants(String output) {
    return outputs.isEmpty() || outputs.contains(output);
  }

  /** The texts of the input of this name, in row-major order; none if it was left out. */
  public List<String> texts(String name) {
    Tensor tensor = inputs.get(name);
    return tensor == null ? List.of() : tensor.texts();
  }

  /** The first text of the input of this name. */
  public Optional<String> text(String name) {
    return texts(name).stream().findFirst();
  }

  /** The first value of an input of BOOL. */
  public Optional<Boolean> truth(String name) {
    return inputs.get(name) instanceof Tensor tensor
            && tensor.values() instanceof TensorValues.Truths given
        ? given.truths().stream().findFirst()
        : Optional.empty();
  }

  /** The values of an input of FP32, in row-major order; none if it was left out. */
  public List<Float> floats(String name) {
    return inputs.get(name) instanceof Tensor tensor
            && tensor.values() instanceof TensorValues.Floats given
        ? given.floats()
        : List.of();
  }

  /** The first value of an input of whole numbers. */
  public Optional<Long> integer(String name) {
    return inputs.get(name) instanceof Tensor tensor
            && tensor.values() instanceof TensorValues.Integers given
        ? given.integers().stream().findFirst()
        : Optional.empty();
  }
}
