package io.ballast.kit.kserve.grpc;

import com.google.protobuf.ByteString;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.kserve.v2.InferTensorContents;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Reads the elements of one input, raw or typed.
 *
 * @param prefix of messages that Triton's core would write
 * @param elements how many there must be, by the tensor's shape
 */
record ElementReader(TensorSpec spec, String model, String prefix, long elements) {
  private static final int LENGTH_BYTES = 4;

  /** Little-endian, row-major; text as its length in 4 bytes and its bytes. */
  TensorValues raw(ByteString bytes) {
    ByteBuffer buffer = bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (spec.datatype().byteSize() > 0) {
      requireBytes(bytes.size());
    }
    int count = (int) Math.min(elements, bytes.size());
    return switch (spec.datatype()) {
      case BYTES -> {
        requireStrings(strings(buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN), s -> {}));
        List<ByteBuffer> strings = new ArrayList<>(count);
        var unused = strings(buffer, strings::add);
        yield texts(strings);
      }
      case BOOL -> {
        List<Boolean> truths = new ArrayList<>(count);
        while (buffer.hasRemaining()) {
          truths.add(buffer.get() != 0);
        }
        yield new TensorValues.Truths(truths);
      }
      case INT32, UINT32, INT64 -> {
        List<Long> integers = new ArrayList<>(count);
        while (buffer.hasRemaining()) {
          integers.add(integer(buffer));
        }
        yield new TensorValues.Integers(integers);
      }
      case FP32 -> {
        List<Float> floats = new ArrayList<>(count);
        while (buffer.hasRemaining()) {
          floats.add(buffer.getFloat());
        }
        yield new TensorValues.Floats(floats);
      }
    };
  }

  private long integer(ByteBuffer buffer) {
    return switch (spec.datatype()) {
      case INT32 -> buffer.getInt();
      case UINT32 -> Integer.toUnsignedLong(buffer.getInt());
      case INT64 -> buffer.getLong();
      case BOOL, FP32, BYTES -> throw new IllegalStateException(spec.datatype() + " is no integer");
    };
  }

  private void requireBytes(int size) {
    int each = spec.datatype().byteSize();
    long expected = elements > Long.MAX_VALUE / each ? Long.MAX_VALUE : elements * each;
    if (size != expected) {
      throw invalid(
          prefix
              + "input byte size mismatch for input '%s' for model '%s'. Expected %d, got %d"
                  .formatted(spec.name(), model, expected, size));
    }
  }

  /** Gives each string to {@code taker} and returns how many there are. */
  private int strings(ByteBuffer buffer, Consumer<ByteBuffer> taker) {
    int count = 0;
    while (buffer.hasRemaining()) {
      if (buffer.remaining() < LENGTH_BYTES) {
        throw invalid(
            prefix
                + ("incomplete string length indicator for inference input '%s' for model '%s',"
                        + " expecting 4 bytes but only %d bytes available. Please make sure the"
                        + " string length indicator is in one buffer.")
                    .formatted(spec.name(), model, buffer.remaining()));
      }
      long length = Integer.toUnsignedLong(buffer.getInt());
      if (length > buffer.remaining()) {
        throw invalid(
            ("incomplete string data for inference input '%s', expecting string of length %d but"
                    + " only %d bytes available")
                .formatted(spec.name(), length, buffer.remaining()));
      }
      taker.accept(buffer.slice(buffer.position(), (int) length));
      buffer.position(buffer.position() + (int) length);
      count++;
    }
    return count;
  }

  /** One repeated field for each type; the others must be empty. */
  TensorValues typed(InferTensorContents contents) {
    requireField(contents.getBoolContentsCount(), "BOOL");
    requireField(contents.getIntContentsCount(), "INT32");
    requireField(contents.getInt64ContentsCount(), "INT64");
    requireField(contents.getUintContentsCount(), "UINT32");
    requireField(contents.getUint64ContentsCount(), "UINT64");
    requireField(contents.getFp32ContentsCount(), "FP32");
    requireField(contents.getFp64ContentsCount(), "FP64");
    requireField(contents.getBytesContentsCount(), "BYTES");
    TensorValues values =
        switch (spec.datatype()) {
          case BYTES -> {
            requireStrings(contents.getBytesContentsCount());
            yield texts(
                contents.getBytesContentsList().stream()
                    .map(ByteString::asReadOnlyByteBuffer)
                    .toList());
          }
          case BOOL -> new TensorValues.Truths(contents.getBoolContentsList());
          case INT32 ->
              new TensorValues.Integers(
                  contents.getIntContentsList().stream().map(Integer::longValue).toList());
          case INT64 -> new TensorValues.Integers(contents.getInt64ContentsList());
          case UINT32 ->
              new TensorValues.Integers(
                  contents.getUintContentsList().stream().map(Integer::toUnsignedLong).toList());
          case FP32 -> new TensorValues.Floats(contents.getFp32ContentsList());
        };
    if (values.size() != elements) {
      throw invalid(
          prefix
              + "unexpected number of elements %d for inference input '%s' for model '%s', expecting %d"
                  .formatted(values.size(), spec.name(), model, elements));
    }
    return values;
  }

  private void requireField(int count, String type) {
    if (count > 0 && !type.equals(spec.datatype().name())) {
      throw invalid(
          ("unexpected explicit tensor data for input tensor '%s' for model '%s' of type '%s',"
                  + " expected datatype '%s'")
              .formatted(spec.name(), model, type, spec.datatype()));
    }
  }

  private void requireStrings(int count) {
    if (count > elements) {
      throw invalid(
          prefix
              + ("unexpected number of string elements %d for inference input '%s' for model '%s',"
                      + " expecting %d")
                  .formatted(count, spec.name(), model, elements));
    }
    if (count < elements) {
      throw invalid(
          prefix
              + "expected %d string elements for inference input '%s' for model '%s', got %d"
                  .formatted(elements, spec.name(), model, count));
    }
  }

  private TensorValues texts(List<ByteBuffer> strings) {
    List<String> texts = new ArrayList<>(strings.size());
    for (ByteBuffer string : strings) {
      try {
        texts.add(StandardCharsets.UTF_8.newDecoder().decode(string).toString());
      } catch (CharacterCodingException e) {
        throw invalid(
            prefix
                + "element %d of inference input '%s' for model '%s' is not valid UTF-8"
                    .formatted(texts.size(), spec.name(), model));
      }
    }
    return new TensorValues.Texts(texts);
  }

  private MeshException invalid(String flaw) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, flaw, Map.of("input", spec.name(), "flaw", flaw));
  }
}
