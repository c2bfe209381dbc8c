package io.ballast.kit.kserve.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferRequest.InferRequestedOutputTensor;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads one request to one model. What is wrong with it is said in Triton's words where Triton
 * looks for it too, so that clients find what they know.
 */
final class RequestReader {
  private static final String SHARED_MEMORY = "shared_memory_region";
  private static final String BATCH_NOTE =
      " NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be"
          + " prepended to each input shape.";

  private final ModelInferRequest request;
  private final ModelSignature signature;
  private final String model;

  RequestReader(ModelInferRequest request, ModelSignature signature) {
    this.request = request;
    this.signature = signature;
    this.model = request.getModelName();
  }

  /**
   * The inference that is asked for.
   *
   * @throws MeshException MALFORMED_REQUEST; UNKNOWN_RESOURCE for a region of shared memory
   */
  InferenceCommand command() {
    requireOutputs();
    Map<String, InferInputTensor> given = given();
    requireAllThere(given);
    int batchSize = 1;
    for (InferInputTensor input : request.getInputsList()) {
      batchSize = requireShape(input, spec(input), given);
    }
    return new InferenceCommand(
        MeshMessages.caller(RequestContexts.from(metadata())), batchSize, tensors(), outputs());
  }

  /** How long the request may take by its own word. */
  Optional<Duration> timeout() {
    long micros = number("timeout", "int64_param");
    return micros == 0
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(Math.min(micros, 1L << 52) * 1_000));
  }

  private RequestMetadata metadata() {
    long priority = number("priority", "int64_param or uint64_param");
    RequestMetadata.Builder metadata =
        RequestMetadata.newBuilder()
            .setPriority(
                switch ((int) Math.min(priority, Integer.MAX_VALUE)) {
                  case 2 -> Priority.PRIORITY_TRAINER;
                  case 3 -> Priority.PRIORITY_BATCH;
                  default -> Priority.PRIORITY_INTERACTIVE;
                });
    InferParameter tenant = request.getParametersMap().get("tenant");
    if (tenant != null) {
      if (!tenant.hasStringParam()) {
        throw invalid("invalid value type for 'tenant' parameter, expected string_param.");
      }
      metadata.setTenant(tenant.getStringParam());
    }
    return metadata.build();
  }

  private long number(String name, String expected) {
    InferParameter parameter = request.getParametersMap().get(name);
    if (parameter == null) {
      return 0;
    }
    long value =
        switch (parameter.getParameterChoiceCase()) {
          case INT64_PARAM -> parameter.getInt64Param();
          case UINT64_PARAM -> atMostAsLong(parameter.getUint64Param());
          case BOOL_PARAM, STRING_PARAM, DOUBLE_PARAM, PARAMETERCHOICE_NOT_SET ->
              throw invalid(
                  "invalid value type for '%s' parameter, expected %s.".formatted(name, expected));
        };
    if (value < 0) {
      throw invalid("invalid value for '%s', expected value >= 0.".formatted(name));
    }
    return value;
  }

  /** What no deadline and no lane tells from something larger: the largest number, if beyond it. */
  private static long atMostAsLong(long unsigned) {
    return unsigned < 0 ? Long.MAX_VALUE : unsigned;
  }

  private Set<String> outputs() {
    return request.getOutputsList().stream()
        .map(InferRequestedOutputTensor::getName)
        .collect(Collectors.toUnmodifiableSet());
  }

  private void requireOutputs() {
    for (InferRequestedOutputTensor output : request.getOutputsList()) {
      if (signature.output(output.getName()).isEmpty()) {
        throw invalid(
            "unexpected inference output '%s' for model '%s'".formatted(output.getName(), model));
      }
      requireNoRegion(output.getParametersMap());
      if (output.getParametersMap().containsKey("classification")) {
        throw named(
            "classification is asked for output '%s', but model '%s' has no classes"
                .formatted(output.getName(), model));
      }
    }
  }

  private Map<String, InferInputTensor> given() {
    Map<String, InferInputTensor> given = new LinkedHashMap<>();
    for (InferInputTensor input : request.getInputsList()) {
      if (signature.input(input.getName()).isEmpty()) {
        throw invalid(
            "unexpected inference input '%s' for model '%s'".formatted(input.getName(), model));
      }
      requireNoRegion(input.getParametersMap());
      if (given.put(input.getName(), input) != null) {
        throw named("input '%s' already exists in request".formatted(input.getName()));
      }
    }
    return given;
  }

  private static void requireNoRegion(Map<String, InferParameter> parameters) {
    InferParameter region = parameters.get(SHARED_MEMORY);
    if (region != null) {
      throw new MeshException(
          Fault.UNKNOWN_RESOURCE,
          "Unable to find shared memory region: '%s'".formatted(region.getStringParam()),
          Map.of(SHARED_MEMORY, region.getStringParam()));
    }
  }

  private void requireAllThere(Map<String, InferInputTensor> given) {
    List<TensorSpec> inputs = signature.inputs();
    List<String> missing =
        inputs.stream()
            .filter(input -> !input.optional() && !given.containsKey(input.name()))
            .map(TensorSpec::name)
            .toList();
    if (missing.isEmpty()) {
      return;
    }
    long required = inputs.stream().filter(input -> !input.optional()).count();
    String expected =
        required == inputs.size()
            ? "expected %d inputs".formatted(required)
            : "expected number of inputs between %d and %d".formatted(required, inputs.size());
    throw named(
        ("%s but got %d inputs for model '%s'. Got input(s) [%s], but missing required input(s)"
                + " [%s]. Please provide all required input(s).")
            .formatted(expected, given.size(), model, quoted(given.keySet()), quoted(missing)));
  }

  private static String quoted(Iterable<String> names) {
    List<String> quoted = new ArrayList<>();
    names.forEach(name -> quoted.add("'" + name + "'"));
    return String.join(",", quoted);
  }

  private TensorSpec spec(InferInputTensor input) {
    return signature.input(input.getName()).orElseThrow();
  }

  /** Returns the size of the batch. */
  private int requireShape(
      InferInputTensor input, TensorSpec spec, Map<String, InferInputTensor> given) {
    if (!input.getDatatype().equals(spec.datatype().name())) {
      throw named(
          "inference input '%s' data-type is '%s', but model '%s' expects '%s'"
              .formatted(input.getName(), input.getDatatype(), model, spec.datatype()));
    }
    List<Long> shape = input.getShapeList();
    boolean batched = signature.maxBatchSize() > 0;
    if (batched && shape.isEmpty()) {
      throw named(
          "input '%s' has no shape but model requires batch dimension for '%s'"
              .formatted(input.getName(), model));
    }
    List<Long> item = batched ? shape.subList(1, shape.size()) : shape;
    boolean fits = item.size() == spec.dims().size();
    for (int d = 0; fits && d < item.size(); d++) {
      long expected = spec.dims().get(d);
      fits = expected == -1 ? item.get(d) >= 0 : item.get(d) == expected;
    }
    if (!fits) {
      throw named(
          "unexpected shape for input '%s' for model '%s'. Expected [%s%s], got [%s].%s"
              .formatted(
                  input.getName(),
                  model,
                  batched ? "-1," : "",
                  joined(spec.dims()),
                  joined(shape),
                  batched ? BATCH_NOTE : ""));
    }
    return batched ? requireBatch(input, given) : 1;
  }

  private int requireBatch(InferInputTensor input, Map<String, InferInputTensor> given) {
    long batch = input.getShape(0);
    for (InferInputTensor other : given.values()) {
      if (other.getShapeCount() > 0 && other.getShape(0) != batch) {
        throw named(
            "input '%s' batch size does not match other inputs for '%s'"
                .formatted(input.getName(), model));
      }
    }
    if (batch < 1) {
      throw named("inference request batch-size must be >= 1 for '%s'".formatted(model));
    }
    if (batch > signature.maxBatchSize()) {
      throw named(
          "inference request batch-size must be <= %d for '%s'"
              .formatted(signature.maxBatchSize(), model));
    }
    return (int) batch;
  }

  private Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    int raw = 0;
    for (InferInputTensor input : request.getInputsList()) {
      TensorSpec spec = spec(input);
      ElementReader reader = new ElementReader(spec, model, prefix(), elements(input));
      if (input.hasContents()) {
        if (request.getRawInputContentsCount() > 0) {
          throw invalid(
              "contents field must not be specified when using raw_input_contents for '%s' for model '%s'"
                  .formatted(input.getName(), model));
        }
        tensors.put(input.getName(), tensor(input, reader.typed(input.getContents())));
      } else if (raw < request.getRawInputContentsCount()) {
        tensors.put(input.getName(), tensor(input, reader.raw(request.getRawInputContents(raw++))));
      } else {
        throw invalid(
            "unable to find data for input tensor '%s' for model '%s' in request."
                .formatted(input.getName(), model));
      }
    }
    if (raw < request.getRawInputContentsCount()) {
      throw named(
          "got %d raw_input_contents for %d inputs for model '%s'"
              .formatted(request.getRawInputContentsCount(), raw, model));
    }
    return tensors;
  }

  private static Tensor tensor(InferInputTensor input, TensorValues values) {
    return new Tensor(input.getName(), input.getShapeList(), values);
  }

  /** The product of the shape, which was compared with the model's and so is not negative. */
  private long elements(InferInputTensor input) {
    try {
      return input.getShapeList().stream().reduce(1L, Math::multiplyExact);
    } catch (ArithmeticException e) {
      throw named(
          "the shape [%s] of input '%s' for model '%s' has more elements than a request can hold"
              .formatted(joined(input.getShapeList()), input.getName(), model));
    }
  }

  private static String joined(List<Long> dims) {
    return String.join(",", dims.stream().map(String::valueOf).toList());
  }

  /** What Triton's core puts before what it says of a request. */
  String prefix() {
    return prefix(request.getId());
  }

  static String prefix(String id) {
    return "[request id: %s] ".formatted(id.isEmpty() ? "<id_unknown>" : id);
  }

  private MeshException named(String flaw) {
    return invalid(prefix() + flaw);
  }

  private static MeshException invalid(String flaw) {
    return new MeshException(Fault.MALFORMED_REQUEST, flaw);
  }
}
