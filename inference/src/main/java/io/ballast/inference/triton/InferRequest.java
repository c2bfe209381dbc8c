package io.ballast.inference.triton;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * An inference to make.
 *
 * @param id the caller's name for it, which the answer repeats; may be empty
 * @param outputs what the caller wants; none: everything that the model gives
 * @param priority 1 is the highest; empty: the model's usual one. Read by models that have levels
 * @param queueTimeout how long it may wait on the server; empty: as long as its deadline. Read by
 *     models whose queue policy allows it; Triton looks twice a second
 * @param deadline how long the caller waits for the answer, or for the last of them; empty: as the
 *     client's settings say. A deadline of the calling {@link io.grpc.Context} holds too
 */
public record InferRequest(
    ServedModel model,
    String id,
    List<InferInput> inputs,
    List<RequestedOutput> outputs,
    OptionalLong priority,
    Optional<Duration> queueTimeout,
    Optional<Duration> deadline,
    Map<String, ParameterValue> parameters) {

  public InferRequest {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    parameters = Map.copyOf(parameters);
    if (priority.isPresent() && priority.getAsLong() < 1) {
      throw new IllegalArgumentException(
          "priority: " + priority.getAsLong() + " (expected: ≥ 1, the highest)");
    }
    requirePositive("queue_timeout", queueTimeout);
    requirePositive("deadline", deadline);
  }

  /** Begins a request of the version that the server chooses. */
  public static Builder of(String model) {
    return of(ServedModel.of(model));
  }

  /** Begins a request. */
  public static Builder of(ServedModel model) {
    return new Builder(model);
  }

  /** Collects a request; {@link #build} checks it. */
  public static final class Builder {
    private final ServedModel model;
    private final List<InferInput> inputs = new ArrayList<>();
    private final List<RequestedOutput> outputs = new ArrayList<>();
    private final Map<String, ParameterValue> parameters = new TreeMap<>();
    private String id = "";
    private OptionalLong priority = OptionalLong.empty();
    private Optional<Duration> queueTimeout = Optional.empty();
    private Optional<Duration> deadline = Optional.empty();

    private Builder(ServedModel model) {
      this.model = model;
    }

    public Builder input(InferInput value) {
      inputs.add(value);
      return this;
    }

    public Builder output(RequestedOutput value) {
      outputs.add(value);
      return this;
    }

    public Builder output(String name) {
      return output(RequestedOutput.of(name));
    }

    public Builder id(String value) {
      id = value;
      return this;
    }

    public Builder priority(long value) {
      priority = OptionalLong.of(value);
      return this;
    }

    public Builder queueTimeout(Duration value) {
      queueTimeout = Optional.of(value);
      return this;
    }

    public Builder deadline(Duration value) {
      deadline = Optional.of(value);
      return this;
    }

    public Builder parameter(String name, ParameterValue value) {
      parameters.put(name, value);
      return this;
    }

    /**
     * Returns the request.
     *
     * @throws IllegalArgumentException if a field is outside its range, named
     */
    public InferRequest build() {
      return new InferRequest(
          model, id, inputs, outputs, priority, queueTimeout, deadline, parameters);
    }
  }

  private static void requirePositive(String field, Optional<Duration> value) {
    if (value.isPresent() && !value.get().isPositive()) {
      throw new IllegalArgumentException(field + ": " + value.get() + " (expected: > 0)");
    }
  }
}
