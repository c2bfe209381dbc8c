package io.ballast.inference.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads a GGUF file's header in order; says what is missing where the file ends early. */
final class GgufCursor {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment data;
  private long at;

  GgufCursor(MemorySegment data) {
    this.data = data;
  }

  /** Index of the next byte. */
  long at() {
    return at;
  }

  private long left() {
    return data.byteSize() - at;
  }

  private long take(long bytes, String what) {
    if (bytes < 0 || bytes > left()) {
      throw new IllegalArgumentException(
          what + ": needs " + bytes + " bytes at " + at + ", the file has " + left() + " more");
    }
    long from = at;
    at += bytes;
    return from;
  }

  byte int8(String what) {
    return data.get(ValueLayout.JAVA_BYTE, take(1, what));
  }

  short int16(String what) {
    return data.get(SHORT, take(2, what));
  }

  int int32(String what) {
    return data.get(INT, take(4, what));
  }

  long int64(String what) {
    return data.get(LONG, take(8, what));
  }

  /**
   * Reads how many things follow, and refuses more than what is left of the file could hold.
   *
   * @param leastBytes what one of them takes at least
   */
  long count(String what, int leastBytes) {
    long count = int64(what);
    if (count < 0 || count > left() / leastBytes) {
      throw new IllegalArgumentException(
          what
              + ": "
              + Long.toUnsignedString(count)
              + " (expected: what fits in the "
              + left()
              + " bytes that follow)");
    }
    return count;
  }

  String text(String what) {
    long length = count(what + ": length", 1);
    if (length > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(what + ": a text of " + length + " bytes");
    }
    byte[] bytes = data.asSlice(take(length, what), length).toArray(ValueLayout.JAVA_BYTE);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(what + ": not UTF-8", e);
    }
  }
}
