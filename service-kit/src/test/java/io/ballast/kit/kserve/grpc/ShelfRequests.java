package io.ballast.kit.kserve.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Requests to the models of a {@link ShelfServer}, and how their answers are read. */
final class ShelfRequests {
  private ShelfRequests() {}

  /** Texts as the raw contents of a tensor. */
  static ByteString bytes(String... texts) {
    ByteString all = ByteString.EMPTY;
    for (String text : texts) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      length.putInt(utf8.length).flip();
      all = all.concat(ByteString.copyFrom(length)).concat(ByteString.copyFrom(utf8));
    }
    return all;
  }

  static InferInputTensor.Builder tensor(String name, long... shape) {
    InferInputTensor.Builder tensor =
        InferInputTensor.newBuilder().setName(name).setDatatype("BYTES");
    for (long dim : shape) {
      tensor.addShape(dim);
    }
    return tensor;
  }

  /** One good pair; inputs 0 and 1 are prompt and completion. */
  static ModelInferRequest.Builder pair() {
    return ModelInferRequest.newBuilder()
        .setModelName("rew")
        .setId("r1")
        .addInputs(tensor("prompt", 1, 1))
        .addInputs(tensor("completion", 1, 1))
        .addRawInputContents(bytes("a"))
        .addRawInputContents(bytes("bcd"));
  }

  static ModelInferRequest.Builder say(String text) {
    return ModelInferRequest.newBuilder()
        .setModelName("dec")
        .addInputs(tensor("text_input", 1))
        .addRawInputContents(bytes(text));
  }

  /** The first number of raw contents. */
  static float first(ByteString raw) {
    return raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getFloat();
  }

  static void assertStatus(Runnable call, Status.Code code, String description) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).isEqualTo(description);
              assertThat(e.getStatus().getCode()).isEqualTo(code);
            });
  }
}
