package io.ballast.policy.core.feedback;

import java.util.Arrays;

/** Bytes that the log keeps and does not look into. Immutable. */
public final class Payload {
  private final byte[] bytes;

  private Payload(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Returns the payload of {@code bytes}, which are copied. */
  public static Payload of(byte[] bytes) {
    return new Payload(bytes.clone());
  }

  /** Returns a new array of the bytes. */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /** How many bytes. */
  public int size() {
    return bytes.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Payload that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return bytes.length + " bytes";
  }
}
