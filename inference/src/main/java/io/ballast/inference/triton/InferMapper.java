package io.ballast.inference.triton;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferRequest.InferRequestedOutputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInferResponse.InferOutputTensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Translates inferences to the wire and back. Inputs travel raw; outputs may come either way. */
final class InferMapper {
  static final String FINAL = "triton_final_response";
  private static final String MARK_WANTED = "triton_enable_empty_final_response";
  private static final String REGION = "shared_memory_region";
  private static final String OFFSET = "shared_memory_offset";
  private static final String SIZE = "shared_memory_byte_size";
  private static final String CLASSES = "classification";
  private static final long NANOS_A_MICRO = 1_000;

  private InferMapper() {}

  /**
   * Returns the request as it travels.
   *
   * @param queueTimeout how long it may wait on the server
   * @param stream whether it goes on a stream, where the final mark is asked for
   */
  static ModelInferRequest toWire(
      InferRequest request, Optional<Duration> queueTimeout, boolean stream) {
    ModelInferRequest.Builder wire =
        ModelInferRequest.newBuilder()
            .setModelName(request.model().name())
            .setModelVersion(request.model().version())
            .setId(request.id());
    request.parameters().forEach((name, value) -> wire.putParameters(name, toWire(value)));
    request.priority().ifPresent(level -> wire.putParameters("priority", natural(level)));
    queueTimeout.ifPresent(
        timeout ->
            wire.putParameters("timeout", whole(Math.max(1, timeout.toNanos() / NANOS_A_MICRO))));
    if (stream) {
      wire.putParameters(MARK_WANTED, InferParameter.newBuilder().setBoolParam(true).build());
    }
    for (InferInput input : request.inputs()) {
      wire.addInputs(toWire(input));
      if (input instanceof Tensor tensor) {
        wire.addRawInputContents(tensor.content());
      }
    }
    request.outputs().forEach(output -> wire.addOutputs(toWire(output)));
    return wire.build();
  }

  /** Whether this is the last answer to its request. */
  static boolean isFinal(ModelInferResponse wire) {
    return wire.getParametersOrDefault(FINAL, InferParameter.getDefaultInstance()).getBoolParam();
  }

  /**
   * Returns the answer.
   *
   * @throws TritonException WRONG_ANSWER if its outputs cannot be read; CANCELLED if the region
   *     that they were to be written to has been closed
   */
  static InferAnswer fromWire(ModelInferResponse wire, InferRequest request) {
    try {
      return read(wire, request);
    } catch (IllegalArgumentException e) {
      throw wrong(request, "output " + e.getMessage(), e);
    }
  }

  private static InferAnswer read(ModelInferResponse wire, InferRequest request) {
    List<Tensor> outputs = new ArrayList<>(wire.getOutputsCount());
    int sequential = 0;
    // Triton has raw contents for each output, empty ones for those in shared memory
    boolean positional = wire.getRawOutputContentsCount() == wire.getOutputsCount();
    for (int i = 0; i < wire.getOutputsCount(); i++) {
      InferOutputTensor output = wire.getOutputs(i);
      ByteString content;
      Optional<SharedSlice> place = place(output.getName(), request);
      if (place.isPresent()) {
        content = fromRegion(output, place.get(), request);
      } else if (wire.getRawOutputContentsCount() == 0) {
        content = fromContents(output, request);
      } else {
        int index = positional ? i : sequential++;
        if (index >= wire.getRawOutputContentsCount()) {
          throw wrong(request, "output '" + output.getName() + "': no contents");
        }
        content = wire.getRawOutputContents(index);
      }
      outputs.add(
          Tensor.raw(output.getName(), type(output, request), output.getShapeList(), content));
    }
    Map<String, ParameterValue> parameters = new HashMap<>();
    wire.getParametersMap().forEach((name, value) -> parameters.put(name, fromWire(value)));
    return new InferAnswer(
        new ServedModel(
            wire.getModelName().isEmpty() ? request.model().name() : wire.getModelName(),
            wire.getModelVersion()),
        wire.getId(),
        outputs,
        parameters);
  }

  private static InferInputTensor toWire(InferInput input) {
    InferInputTensor.Builder wire =
        InferInputTensor.newBuilder()
            .setName(input.name())
            .setDatatype(input.type().name())
            .addAllShape(input.shape());
    if (input instanceof SharedTensor shared) {
      wire.putAllParameters(toWire(shared.slice()));
    }
    return wire.build();
  }

  private static InferRequestedOutputTensor toWire(RequestedOutput output) {
    InferRequestedOutputTensor.Builder wire =
        InferRequestedOutputTensor.newBuilder().setName(output.name());
    if (output.classes() > 0) {
      wire.putParameters(CLASSES, whole(output.classes()));
    }
    output.into().ifPresent(slice -> wire.putAllParameters(toWire(slice)));
    return wire.build();
  }

  private static Map<String, InferParameter> toWire(SharedSlice slice) {
    return Map.of(
        REGION,
        InferParameter.newBuilder().setStringParam(slice.region().name()).build(),
        OFFSET,
        whole(slice.offset()),
        SIZE,
        whole(slice.bytes()));
  }

  private static InferParameter toWire(ParameterValue value) {
    InferParameter.Builder wire = InferParameter.newBuilder();
    switch (value) {
      case ParameterValue.Truth truth -> wire.setBoolParam(truth.value());
      case ParameterValue.Whole whole -> wire.setInt64Param(whole.value());
      case ParameterValue.Natural natural -> wire.setUint64Param(natural.value());
      case ParameterValue.Real real -> wire.setDoubleParam(real.value());
      case ParameterValue.Text text -> wire.setStringParam(text.value());
    }
    return wire.build();
  }

  private static ParameterValue fromWire(InferParameter wire) {
    return switch (wire.getParameterChoiceCase()) {
      case BOOL_PARAM -> new ParameterValue.Truth(wire.getBoolParam());
      case INT64_PARAM -> new ParameterValue.Whole(wire.getInt64Param());
      case STRING_PARAM -> new ParameterValue.Text(wire.getStringParam());
      case DOUBLE_PARAM -> new ParameterValue.Real(wire.getDoubleParam());
      case UINT64_PARAM -> new ParameterValue.Natural(wire.getUint64Param());
      case PARAMETERCHOICE_NOT_SET -> new ParameterValue.Text("");
    };
  }

  private static InferParameter natural(long value) {
    return InferParameter.newBuilder().setUint64Param(value).build();
  }

  private static InferParameter whole(long value) {
    return InferParameter.newBuilder().setInt64Param(value).build();
  }

  private static TensorType type(InferOutputTensor output, InferRequest request) {
    return TensorType.named(output.getDatatype())
        .orElseThrow(
            () ->
                wrong(
                    request,
                    "output '%s': '%s' is no type"
                        .formatted(output.getName(), output.getDatatype())));
  }

  private static Optional<SharedSlice> place(String output, InferRequest request) {
    for (RequestedOutput wanted : request.outputs()) {
      if (wanted.into().isPresent() && wanted.name().equals(output)) {
        return wanted.into();
      }
    }
    return Optional.empty();
  }

  /** Reads as many bytes as type and shape say: the answer itself does not tell. */
  private static ByteString fromRegion(
      InferOutputTensor output, SharedSlice slice, InferRequest request) {
    try {
      return slice
          .region()
          .read(slice, output.getName(), type(output, request), output.getShapeList());
    } catch (IllegalStateException e) {
      throw new TritonException(
          Reason.CANCELLED,
          "model %s: output '%s': its region %s was closed before the answer came"
              .formatted(request.model(), output.getName(), slice.region().name()),
          e);
    }
  }

  private static ByteString fromContents(InferOutputTensor output, InferRequest request) {
    InferTensorContents from = output.getContents();
    List<Long> shape = List.of((long) elements(from));
    String name = output.getName();
    TensorType type = type(output, request);
    return switch (type) {
      case BOOL -> {
        ByteString.Output bytes = ByteString.newOutput();
        from.getBoolContentsList().forEach(value -> bytes.write(value ? 1 : 0));
        yield bytes.toByteString();
      }
      case INT8, INT16, INT32 -> integers(name, type, shape, from.getIntContentsList());
      case UINT8, UINT16, UINT32 ->
          Tensor.integers(
                  name,
                  type,
                  shape,
                  from.getUintContentsList().stream().mapToLong(Integer::toUnsignedLong).toArray())
              .content();
      case INT64 -> integers(name, type, shape, from.getInt64ContentsList());
      case UINT64 -> integers(name, type, shape, from.getUint64ContentsList());
      case FP32 -> {
        float[] values = new float[from.getFp32ContentsCount()];
        for (int i = 0; i < values.length; i++) {
          values[i] = from.getFp32Contents(i);
        }
        yield Tensor.floats(name, shape, values).content();
      }
      case FP64 ->
          Tensor.doubles(
                  name,
                  shape,
                  from.getFp64ContentsList().stream().mapToDouble(Double::doubleValue).toArray())
              .content();
      case BYTES ->
          Tensor.bytes(
                  name,
                  shape,
                  from.getBytesContentsList().stream().map(ByteString::toByteArray).toList())
              .content();
      case FP16, BF16 -> throw wrong(request, "output '" + name + "': " + type + " travels raw");
    };
  }

  private static ByteString integers(
      String name, TensorType type, List<Long> shape, List<? extends Number> values) {
    return Tensor.integers(
            name, type, shape, values.stream().mapToLong(Number::longValue).toArray())
        .content();
  }

  private static int elements(InferTensorContents from) {
    return from.getBoolContentsCount()
        + from.getIntContentsCount()
        + from.getInt64ContentsCount()
        + from.getUintContentsCount()
        + from.getUint64ContentsCount()
        + from.getFp32ContentsCount()
        + from.getFp64ContentsCount()
        + from.getBytesContentsCount();
  }

  private static TritonException wrong(InferRequest request, String what) {
    return new TritonException(Reason.WRONG_ANSWER, "model " + request.model() + ": " + what);
  }

  private static TritonException wrong(
      InferRequest request, String what, IllegalArgumentException why) {
    return new TritonException(Reason.WRONG_ANSWER, "model " + request.model() + ": " + what, why);
  }
}
