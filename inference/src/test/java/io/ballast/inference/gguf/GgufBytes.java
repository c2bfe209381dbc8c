package io.ballast.inference.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes GGUF files for tests, truthful or not. */
public final class GgufBytes {
  private record Tensor(String name, long[] sides, int type, byte[] data) {}

  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private final Map<String, Long> offsets = new LinkedHashMap<>();
  private long claimedTensors = -1;
  private long claimedKeys = -1;
  private int version = 3;

  /** A key with a value: Integer, Long, Float, Boolean, String, or a list of them. */
  public GgufBytes with(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  GgufBytes without(String key) {
    metadata.remove(key);
    return this;
  }

  /** A tensor of 32 bits; the slowest dimension first. */
  public GgufBytes tensor(String name, float[] values, long... shape) {
    ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return tensor(name, 0, data.array(), shape);
  }

  GgufBytes tensor(String name, int type, byte[] data, long... shape) {
    tensors.removeIf(t -> t.name.equals(name));
    tensors.add(new Tensor(name, shape.clone(), type, data.clone()));
    return this;
  }

  GgufBytes withoutTensor(String name) {
    tensors.removeIf(t -> t.name.equals(name));
    return this;
  }

  GgufBytes offset(String name, long offset) {
    offsets.put(name, offset);
    return this;
  }

  GgufBytes claiming(long tensorCount, long keyCount) {
    claimedTensors = tensorCount;
    claimedKeys = keyCount;
    return this;
  }

  GgufBytes version(int number) {
    version = number;
    return this;
  }

  public Path write(Path file) throws IOException {
    return Files.write(file, bytes());
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    int32(out, version);
    int64(out, claimedTensors < 0 ? tensors.size() : claimedTensors);
    int64(out, claimedKeys < 0 ? metadata.size() : claimedKeys);
    metadata.forEach(
        (key, value) -> {
          text(out, key);
          int32(out, type(value));
          value(out, value);
        });
    long offset = 0;
    for (Tensor tensor : tensors) {
      text(out, tensor.name);
      int32(out, tensor.sides.length);
      for (int d = tensor.sides.length - 1; d >= 0; d--) {
        int64(out, tensor.sides[d]);
      }
      int32(out, tensor.type);
      int64(out, offsets.getOrDefault(tensor.name, offset));
      offset += (tensor.data.length + 31) / 32 * 32;
    }
    for (Tensor tensor : tensors) {
      pad(out);
      out.writeBytes(tensor.data);
    }
    return out.toByteArray();
  }

  private static void pad(ByteArrayOutputStream out) {
    while (out.size() % 32 != 0) {
      out.write(0);
    }
  }

  private static int type(Object value) {
    return switch (value) {
      case Integer i -> 4;
      case Float f -> 6;
      case Boolean b -> 7;
      case String s -> 8;
      case List<?> l -> 9;
      case Long l -> 10;
      default -> throw new IllegalArgumentException(value.toString());
    };
  }

  /** Lists hold signed numbers, single keys unsigned ones, as llama.cpp demands. */
  private static int listed(Object value) {
    return value instanceof Integer ? 5 : type(value);
  }

  private static void value(ByteArrayOutputStream out, Object value) {
    switch (value) {
      case Integer i -> int32(out, i);
      case Float f -> int32(out, Float.floatToIntBits(f));
      case Boolean b -> out.write(b ? 1 : 0);
      case String s -> text(out, s);
      case Long l -> int64(out, l);
      case List<?> list -> {
        int32(out, list.isEmpty() ? 4 : listed(list.getFirst()));
        int64(out, list.size());
        list.forEach(element -> value(out, element));
      }
      default -> throw new IllegalArgumentException(value.toString());
    }
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int64(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void int32(ByteArrayOutputStream out, int value) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private static void int64(ByteArrayOutputStream out, long value) {
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }
}
