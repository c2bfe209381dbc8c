package io.ballast.inference.triton;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A named tensor: its elements row by row, as they travel (little-endian; an element of BYTES is
 * its length in 4 bytes, then its bytes). Immutable.
 */
public final class Tensor implements InferInput {
  private static final int LENGTH_BYTES = Integer.BYTES;

  private final String name;
  private final TensorType type;
  private final List<Long> shape;
  private final ByteString content;

  private Tensor(String name, TensorType type, List<Long> shape, ByteString content) {
    this.name = name;
    this.type = type;
    this.shape = List.copyOf(shape);
    this.content = content;
  }

  /**
   * Returns the tensor whose elements are {@code content}, as they travel.
   *
   * @throws IllegalArgumentException if the content is not as long as type and shape say, or its
   *     strings do not fit into it
   */
  public static Tensor raw(String name, TensorType type, List<Long> shape, ByteString content) {
    int length = length(name, type, shape, content.asReadOnlyByteBuffer());
    if (content.size() != length) {
      throw new IllegalArgumentException(
          "%s: %,d bytes (expected: %,d, for %s of shape %s)"
              .formatted(name, content.size(), length, type, shape));
    }
    return new Tensor(name, type, shape, content);
  }

  /** Returns a tensor of FP32; {@code values} in the order of rows, copied. */
  public static Tensor floats(String name, List<Long> shape, float... values) {
    ByteBuffer buffer = buffer(values.length * Float.BYTES);
    buffer.asFloatBuffer().put(values);
    return of(name, TensorType.FP32, shape, buffer);
  }

  /** Returns a tensor of FP64. */
  public static Tensor doubles(String name, List<Long> shape, double... values) {
    ByteBuffer buffer = buffer(values.length * Double.BYTES);
    buffer.asDoubleBuffer().put(values);
    return of(name, TensorType.FP64, shape, buffer);
  }

  /** Returns a tensor of FP16; each value is rounded to the nearest half. */
  public static Tensor halves(String name, List<Long> shape, float... values) {
    ByteBuffer buffer = buffer(values.length * Short.BYTES);
    for (float value : values) {
      buffer.putShort(Float.floatToFloat16(value));
    }
    return of(name, TensorType.FP16, shape, buffer.flip());
  }

  /** Returns a tensor of INT32. */
  public static Tensor ints(String name, List<Long> shape, int... values) {
    ByteBuffer buffer = buffer(values.length * Integer.BYTES);
    buffer.asIntBuffer().put(values);
    return of(name, TensorType.INT32, shape, buffer);
  }

  /**
   * Returns a tensor of whole numbers of any width.
   *
   * @param type a whole-number type; UINT64 takes the bits of each long
   * @throws IllegalArgumentException if a value does not fit into {@code type}, or it is no type of
   *     whole numbers
   */
  public static Tensor integers(String name, TensorType type, List<Long> shape, long... values) {
    ByteBuffer buffer = buffer(values.length * type.width());
    for (int i = 0; i < values.length; i++) {
      long value = values[i];
      requireFits(name, i, type, value);
      switch (type) {
        case UINT8, INT8 -> buffer.put((byte) value);
        case UINT16, INT16 -> buffer.putShort((short) value);
        case UINT32, INT32 -> buffer.putInt((int) value);
        case UINT64, INT64 -> buffer.putLong(value);
        case BOOL, FP16, BF16, FP32, FP64, BYTES -> throw new AssertionError(type);
      }
    }
    return of(name, type, shape, buffer.flip());
  }

  /** Returns a tensor of INT64. */
  public static Tensor longs(String name, List<Long> shape, long... values) {
    return integers(name, TensorType.INT64, shape, values);
  }

  /** Returns a tensor of BOOL. */
  public static Tensor bools(String name, List<Long> shape, boolean... values) {
    ByteBuffer buffer = buffer(values.length);
    for (boolean value : values) {
      buffer.put((byte) (value ? 1 : 0));
    }
    return of(name, TensorType.BOOL, shape, buffer.flip());
  }

  /** Returns a tensor of BYTES. */
  public static Tensor bytes(String name, List<Long> shape, List<byte[]> values) {
    int size = values.stream().mapToInt(value -> LENGTH_BYTES + value.length).sum();
    ByteBuffer buffer = buffer(size);
    for (byte[] value : values) {
      buffer.putInt(value.length).put(value);
    }
    return of(name, TensorType.BYTES, shape, buffer.flip());
  }

  /** Returns a tensor of BYTES: texts in UTF-8. */
  public static Tensor strings(String name, List<Long> shape, String... values) {
    return bytes(
        name,
        shape,
        Arrays.stream(values).map(value -> value.getBytes(StandardCharsets.UTF_8)).toList());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public TensorType type() {
    return type;
  }

  @Override
  public List<Long> shape() {
    return shape;
  }

  /** The elements as they travel. */
  public ByteString content() {
    return content;
  }

  /** How many elements it has. */
  public int size() {
    return Math.toIntExact(elements(name, shape));
  }

  /** Returns the elements of a tensor of FP32, FP16 or BF16, a new array. */
  public float[] floats() {
    ByteBuffer bytes = reader();
    float[] values = new float[size()];
    switch (type) {
      case FP32 -> bytes.asFloatBuffer().get(values);
      case FP16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.float16ToFloat(bytes.getShort());
        }
      }
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(bytes.getShort() << Short.SIZE);
        }
      }
      default -> throw notA("FP32, FP16 or BF16");
    }
    return values;
  }

  /** Returns the elements of a tensor of FP64, a new array. */
  public double[] doubles() {
    require(type == TensorType.FP64, "FP64");
    double[] values = new double[size()];
    reader().asDoubleBuffer().get(values);
    return values;
  }

  /** Returns the elements of a tensor of whole numbers, a new array; those of UINT64 as bits. */
  public long[] longs() {
    ByteBuffer bytes = reader();
    long[] values = new long[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case INT8 -> bytes.get();
            case UINT8 -> Byte.toUnsignedLong(bytes.get());
            case INT16 -> bytes.getShort();
            case UINT16 -> Short.toUnsignedLong(bytes.getShort());
            case INT32 -> bytes.getInt();
            case UINT32 -> Integer.toUnsignedLong(bytes.getInt());
            case INT64, UINT64 -> bytes.getLong();
            case BOOL, FP16, BF16, FP32, FP64, BYTES -> throw notA("whole numbers");
          };
    }
    return values;
  }

  /** Returns the elements of a tensor of INT32, a new array. */
  public int[] ints() {
    require(type == TensorType.INT32, "INT32");
    int[] values = new int[size()];
    reader().asIntBuffer().get(values);
    return values;
  }

  /** Returns the elements of a tensor of BOOL, a new array. */
  public boolean[] bools() {
    require(type == TensorType.BOOL, "BOOL");
    boolean[] values = new boolean[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = content.byteAt(i) != 0;
    }
    return values;
  }

  /** Returns the elements of a tensor of BYTES. */
  public List<byte[]> bytes() {
    require(type == TensorType.BYTES, "BYTES");
    ByteBuffer bytes = reader();
    List<byte[]> values = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] value = new byte[bytes.getInt()];
      bytes.get(value);
      values.add(value);
    }
    return values;
  }

  /** Returns the elements of a tensor of BYTES as texts; bytes that are not UTF-8 are U+FFFD. */
  public List<String> strings() {
    return bytes().stream().map(value -> new String(value, StandardCharsets.UTF_8)).toList();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor that
        && name.equals(that.name)
        && type == that.type
        && shape.equals(that.shape)
        && content.equals(that.content);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, type, shape, content);
  }

  @Override
  public String toString() {
    return name + ": " + type + shape;
  }

  /** Returns how many elements a shape has. */
  static long elements(String name, List<Long> shape) {
    long elements = 1;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(name + ": shape " + shape + " (expected: none below 0)");
      }
      elements = times(elements, dimension, name, shape);
    }
    return elements;
  }

  private static long times(long elements, long factor, String name, List<Long> shape) {
    try {
      return Math.multiplyExact(elements, factor);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(name + ": shape " + shape + " is too large", e);
    }
  }

  private static Tensor of(String name, TensorType type, List<Long> shape, ByteBuffer buffer) {
    // the whole of an array of our own, which nobody else has: cheaper to send than a buffer
    return raw(name, type, shape, UnsafeByteOperations.unsafeWrap(buffer.array()));
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer reader() {
    return content.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns how many bytes the elements take, of strings by their lengths in {@code content}.
   *
   * @throws IllegalArgumentException if {@code content} is too short
   */
  static int length(String name, TensorType type, List<Long> shape, ByteBuffer content) {
    long elements = elements(name, shape);
    if (type == TensorType.BYTES) {
      return lengthOfStrings(name, elements, content);
    }
    long length = times(elements, type.width(), name, shape);
    if (length > content.remaining()) {
      throw new IllegalArgumentException(
          "%s: %,d bytes (expected: %,d, for %s of shape %s)"
              .formatted(name, content.remaining(), length, type, shape));
    }
    return (int) length;
  }

  private static int lengthOfStrings(String name, long elements, ByteBuffer content) {
    ByteBuffer bytes = content.slice().order(ByteOrder.LITTLE_ENDIAN);
    for (long i = 0; i < elements; i++) {
      int length = bytes.remaining() < LENGTH_BYTES ? -1 : bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        throw new IllegalArgumentException(
            "%s[%d]: reaches past the end of its %,d bytes".formatted(name, i, bytes.capacity()));
      }
      bytes.position(bytes.position() + length);
    }
    return bytes.position();
  }

  private static void requireFits(String name, int index, TensorType type, long value) {
    boolean fits =
        switch (type) {
          case UINT8 -> value >= 0 && value < 1L << 8;
          case UINT16 -> value >= 0 && value < 1L << 16;
          case UINT32 -> value >= 0 && value < 1L << 32;
          case INT8 -> value == (byte) value;
          case INT16 -> value == (short) value;
          case INT32 -> value == (int) value;
          case INT64, UINT64 -> true;
          case BOOL, FP16, BF16, FP32, FP64, BYTES ->
              throw new IllegalArgumentException(
                  name + ": " + type + " (expected: a type of whole numbers)");
        };
    if (!fits) {
      throw new IllegalArgumentException(
          "%s[%d]: %,d does not fit into %s".formatted(name, index, value, type));
    }
  }

  private void require(boolean holds, String expected) {
    if (!holds) {
      throw notA(expected);
    }
  }

  private IllegalStateException notA(String expected) {
    return new IllegalStateException(name + ": of type " + type + ", read as " + expected);
  }
}
