package io.ballast.kit.kserve;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a model takes and gives.
 *
 * @param maxBatchSize the most items in one request; 0: its tensors have no batch dimension
 * @param decoupled whether a request may have any number of answers: then it is answered on streams
 *     only
 * @param parameters what else is to be known, such as the checksum of its weights
 */
public record ModelSignature(
    int maxBatchSize,
    boolean decoupled,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    Map<String, String> parameters) {
  public ModelSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    parameters = Map.copyOf(parameters);
  }

  /** The input of this name. */
  public Optional<TensorSpec> input(String name) {
    return inputs.stream().filter(input -> input.name().equals(name)).findFirst();
  }

  /** The output of this name. */
  public Optional<TensorSpec> output(String name) {
    return outputs.stream().filter(output -> output.name().equals(name)).findFirst();
  }
}
