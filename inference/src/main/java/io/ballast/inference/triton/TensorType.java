package io.ballast.inference.triton;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The type of a tensor's elements; the names are those of the wire. */
public enum TensorType {
  BOOL(1),
  UINT8(1),
  UINT16(2),
  UINT32(4),
  UINT64(8),
  INT8(1),
  INT16(2),
  INT32(4),
  INT64(8),
  /** IEEE half precision. */
  FP16(2),
  /** Single precision without its lower 16 bits. */
  BF16(2),
  FP32(4),
  FP64(8),
  /** Bytes of any length for each element. */
  BYTES(0);

  private static final Map<String, TensorType> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(Enum::name, Function.identity()));

  private final int width;

  TensorType(int width) {
    this.width = width;
  }

  /** The bytes of one element; 0 of {@link #BYTES}, whose elements differ. */
  public int width() {
    return width;
  }

  /** Returns the type of this name on the wire; empty for a name that is none. */
  public static Optional<TensorType> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }
}
