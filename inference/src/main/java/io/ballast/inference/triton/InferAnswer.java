package io.ballast.inference.triton;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a model answered, as its metadata promise it: names, types and shapes are checked.
 *
 * @param model the version that answered
 * @param id the request's
 * @param parameters what the server says beside
 */
public record InferAnswer(
    ServedModel model, String id, List<Tensor> outputs, Map<String, ParameterValue> parameters) {
  public InferAnswer {
    outputs = List.copyOf(outputs);
    parameters = Map.copyOf(parameters);
  }

  /**
   * Returns the output of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Tensor output(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s gave no output '%s', but %s".formatted(model, name, outputs)));
  }

  /** Returns the output of this name, if there is one: a decoupled model may leave it out. */
  public Optional<Tensor> find(String name) {
    for (Tensor output : outputs) {
      if (output.name().equals(name)) {
        return Optional.of(output);
      }
    }
    return Optional.empty();
  }
}
