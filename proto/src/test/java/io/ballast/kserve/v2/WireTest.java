package io.ballast.kserve.v2;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MessageLite;
import com.google.protobuf.TextFormat;
import com.google.protobuf.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Our KServe v2 messages are on the wire what the public protocol says: bytes written by hand with
 * its numbers are what the generated classes write and read.
 */
class WireTest {
  @Test
  void theServiceHasTheNamesThatServersListenTo() {
    assertThat(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())
        .isEqualTo("inference.GRPCInferenceService/ModelInfer");
    assertThat(GRPCInferenceServiceGrpc.getModelStreamInferMethod().getFullMethodName())
        .isEqualTo("inference.GRPCInferenceService/ModelStreamInfer");
    assertThat(GRPCInferenceServiceGrpc.getSystemSharedMemoryRegisterMethod().getFullMethodName())
        .isEqualTo("inference.GRPCInferenceService/SystemSharedMemoryRegister");
  }

  @Test
  void anInferenceRequest() throws IOException {
    ModelInferRequest request =
        ModelInferRequest.newBuilder()
            .setModelName("m")
            .setId("7")
            .putParameters("timeout", InferParameter.newBuilder().setInt64Param(300).build())
            .addInputs(
                ModelInferRequest.InferInputTensor.newBuilder()
                    .setName("X")
                    .setDatatype("FP32")
                    .addShape(1)
                    .addShape(2))
            .addOutputs(ModelInferRequest.InferRequestedOutputTensor.newBuilder().setName("Y"))
            .addRawInputContents(ByteString.copyFrom(new byte[] {1, 2, 3}))
            .build();

    Bytes parameter = new Bytes().text(1, "timeout").message(2, new Bytes().number(2, 300));
    Bytes input = new Bytes().text(1, "X").text(2, "FP32").packed(3, 1, 2);
    assertThat(request)
        .isEqualTo(
            ModelInferRequest.parseFrom(
                new Bytes()
                    .text(1, "m")
                    .text(3, "7")
                    .message(4, parameter)
                    .message(5, input)
                    .message(6, new Bytes().text(1, "Y"))
                    .raw(7, new byte[] {1, 2, 3})
                    .toByteArray()));
    assertThat(request.getUnknownFields().asMap()).isEmpty();
  }

  @Test
  void aResponseOfAStream() throws IOException {
    Bytes output = new Bytes().text(1, "Y").text(2, "INT64").packed(3, 1);
    Bytes response =
        new Bytes()
            .text(1, "m")
            .text(2, "3")
            .text(3, "7")
            .message(5, output)
            .raw(6, new byte[] {9});
    ModelStreamInferResponse read =
        ModelStreamInferResponse.parseFrom(
            new Bytes().text(1, "late").message(2, response).toByteArray());
    assertThat(TextFormat.printer().emittingSingleLine(true).printToString(read))
        .isEqualTo(
            "error_message: \"late\" infer_response { model_name: \"m\" model_version: \"3\""
                + " id: \"7\" outputs { name: \"Y\" datatype: \"INT64\" shape: 1 }"
                + " raw_output_contents: \"\\t\" }");
  }

  @Test
  void numbersOfAConfigurationAreTritons() {
    Map<Integer, String> numbers = new TreeMap<>();
    for (FieldDescriptor field : ModelConfig.getDescriptor().getFields()) {
      numbers.put(field.getNumber(), field.getName());
    }
    assertThat(numbers.toString())
        .isEqualTo(
            "{1=name, 2=platform, 3=version_policy, 4=max_batch_size, 5=input, 6=output,"
                + " 7=instance_group, 8=default_model_filename, 11=dynamic_batching,"
                + " 14=parameters, 15=ensemble_scheduling, 17=backend, 19=model_transaction_policy, 24=response_cache,"
                + " 25=runtime}");
  }

  @Test
  void whatWeLeaveOutSurvives() throws IOException {
    byte[] withWarmup =
        new Bytes().text(1, "m").message(16, new Bytes().text(1, "warm")).toByteArray();
    MessageLite read = ModelConfig.parseFrom(withWarmup);
    assertThat(read.toByteArray()).isEqualTo(withWarmup);
  }

  /** A message written by hand. */
  private static final class Bytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

    Bytes text(int field, String value) throws IOException {
      return raw(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Bytes number(int field, long value) throws IOException {
      out.writeTag(field, WireFormat.WIRETYPE_VARINT);
      out.writeUInt64NoTag(value);
      return this;
    }

    Bytes message(int field, Bytes value) throws IOException {
      return raw(field, value.toByteArray());
    }

    Bytes packed(int field, int... values) throws IOException {
      Bytes inner = new Bytes();
      for (int value : values) {
        inner.out.writeUInt64NoTag(value);
      }
      return raw(field, inner.toByteArray());
    }

    Bytes raw(int field, byte[] value) throws IOException {
      out.writeTag(field, WireFormat.WIRETYPE_LENGTH_DELIMITED);
      out.writeUInt32NoTag(value.length);
      out.writeRawBytes(value);
      return this;
    }

    byte[] toByteArray() throws IOException {
      out.flush();
      return bytes.toByteArray();
    }
  }
}
