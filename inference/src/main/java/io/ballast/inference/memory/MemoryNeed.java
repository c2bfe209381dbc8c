package io.ballast.inference.memory;

/**
 * What a model may come to take, outside the heap.
 *
 * @param weightBytes of its weights and of tables that belong to them, ≥ 0
 * @param keyValueBytes of the keys and values that it may hold, cached prefixes included, ≥ 0
 * @param activationBytes of what its largest step computes on the way, ≥ 0
 */
public record MemoryNeed(long weightBytes, long keyValueBytes, long activationBytes) {
  public MemoryNeed {
    if (weightBytes < 0 || keyValueBytes < 0 || activationBytes < 0) {
      throw new IllegalArgumentException(
          "need: %,d, %,d, %,d bytes (expected: ≥ 0)"
              .formatted(weightBytes, keyValueBytes, activationBytes));
    }
  }

  /** All of it; {@link Long#MAX_VALUE} if that is more. */
  public long bytes() {
    try {
      return Math.addExact(Math.addExact(weightBytes, keyValueBytes), activationBytes);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  /** The arithmetic, in MiB rounded up: {@code 1,234 MiB (weights 900, keys and values 300, …)}. */
  @Override
  public String toString() {
    return "%,d MiB (weights %,d, keys and values %,d, activations %,d)"
        .formatted(
            mebibytes(bytes()),
            mebibytes(weightBytes),
            mebibytes(keyValueBytes),
            mebibytes(activationBytes));
  }

  /** Bytes in MiB, rounded up. */
  static long mebibytes(long bytes) {
    return (bytes >> 20) + ((bytes & ((1 << 20) - 1)) == 0 ? 0 : 1);
  }
}
