package io.ballast.kit.kserve.grpc;

import com.google.protobuf.ByteString;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.kserve.v2.ModelInferResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Writes the answers to one request: raw, as Triton does, and of the outputs that were asked. */
final class AnswerWriter {
  private final String requestId;
  private final ServedModel model;
  private final InferenceCommand command;

  AnswerWriter(String requestId, ServedModel model, InferenceCommand command) {
    this.requestId = requestId;
    this.model = model;
    this.command = command;
  }

  /**
   * One answer.
   *
   * @throws MeshException DEPENDENCY_BROKEN if a number is not finite
   */
  ModelInferResponse.Builder answer(List<Tensor> outputs) {
    ModelInferResponse.Builder answer =
        ModelInferResponse.newBuilder()
            .setModelName(model.id().model())
            .setModelVersion(model.id().version())
            .setId(requestId);
    for (Tensor output : outputs) {
      if (command.wants(output.name())) {
        requireFinite(output);
        Datatype type = model.signature().output(output.name()).orElseThrow().datatype();
        answer
            .addOutputs(
                ModelInferResponse.InferOutputTensor.newBuilder()
                    .setName(output.name())
                    .setDatatype(type.name())
                    .addAllShape(output.shape()))
            .addRawOutputContents(raw(type, output.values()));
      }
    }
    return answer;
  }

  /** A number that is none would be taken for one. */
  private void requireFinite(Tensor output) {
    if (output.values() instanceof TensorValues.Floats given) {
      for (int i = 0; i < given.size(); i++) {
        if (!Float.isFinite(given.floats().get(i))) {
          throw new MeshException(
              Fault.DEPENDENCY_BROKEN,
              "output '%s' of model '%s' version %s: element %d is %s"
                  .formatted(
                      output.name(),
                      model.id().model(),
                      model.id().version(),
                      i,
                      given.floats().get(i)),
              Map.of("output", output.name()));
        }
      }
    }
  }

  private static ByteString raw(Datatype type, TensorValues values) {
    return switch (values) {
      case TensorValues.Texts given -> strings(given.texts());
      case TensorValues.Floats given -> {
        ByteBuffer buffer = buffer(given.size() * type.byteSize());
        given.floats().forEach(buffer::putFloat);
        yield ByteString.copyFrom(buffer.flip());
      }
      case TensorValues.Integers given -> {
        ByteBuffer buffer = buffer(given.size() * type.byteSize());
        for (long integer : given.integers()) {
          var unused =
              type == Datatype.INT64 ? buffer.putLong(integer) : buffer.putInt((int) integer);
        }
        yield ByteString.copyFrom(buffer.flip());
      }
      case TensorValues.Truths given -> {
        ByteBuffer buffer = buffer(given.size());
        given.truths().forEach(truth -> buffer.put((byte) (truth ? 1 : 0)));
        yield ByteString.copyFrom(buffer.flip());
      }
    };
  }

  private static ByteString strings(List<String> texts) {
    List<byte[]> encoded =
        texts.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
    ByteBuffer buffer = buffer(encoded.stream().mapToInt(bytes -> 4 + bytes.length).sum());
    encoded.forEach(bytes -> buffer.putInt(bytes.length).put(bytes));
    return ByteString.copyFrom(buffer.flip());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
