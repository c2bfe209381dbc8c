package io.ballast.testing;

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

/**
 * Reads files of events as TensorBoard does, with nothing of ours: the framing, both checksums bit
 * by bit, and protobuf's wire format.
 */
public final class EventFileReader {
  private static final int CASTAGNOLI_REVERSED = 0x82f63b78;
  private static final int VARINT = 0;
  private static final int BYTES_8 = 1;
  private static final int DELIMITED = 2;
  private static final int BYTES_4 = 5;

  private EventFileReader() {}

  /**
   * An event.
   *
   * @param version of the file, in its first event; empty in the others
   * @param scalars by tag
   */
  public record Event(double wallSeconds, long step, String version, Map<String, Float> scalars) {}

  /** Returns all events of {@code file}; fails at one whose checksum is wrong. */
  public static List<Event> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Event> events = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] length = bytes(in, Long.BYTES);
      requireCrc(length, in.getInt());
      byte[] data =
          bytes(in, (int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong());
      requireCrc(data, in.getInt());
      events.add(event(data));
    }
    return events;
  }

  private static void requireCrc(byte[] data, int masked) {
    int crc = crc32c(data);
    int expected = ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    if (masked != expected) {
      throw new AssertionError("masked crc %08x (expected: %08x)".formatted(masked, expected));
    }
  }

  /** CRC-32C (Castagnoli), bit by bit. */
  public static int crc32c(byte[] data) {
    int crc = ~0;
    for (byte each : data) {
      crc ^= each & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc >>> 1) ^ ((crc & 1) == 0 ? 0 : CASTAGNOLI_REVERSED);
      }
    }
    return ~crc;
  }

  private static Event event(byte[] data) {
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    double wall = 0;
    long step = 0;
    String version = "";
    Map<String, Float> scalars = new LinkedHashMap<>();
    while (in.hasRemaining()) {
      long key = varint(in);
      switch (field(key, 1, BYTES_8, 2, VARINT, 3, DELIMITED, 5, DELIMITED)) {
        case 1 -> wall = in.getDouble();
        case 2 -> step = varint(in);
        case 3 -> version = text(in);
        default -> summary(delimited(in), scalars);
      }
    }
    return new Event(wall, step, version, scalars);
  }

  private static void summary(ByteBuffer in, Map<String, Float> scalars) {
    while (in.hasRemaining()) {
      field(varint(in), 1, DELIMITED);
      ByteBuffer value = delimited(in);
      String tag = "";
      float number = Float.NaN;
      while (value.hasRemaining()) {
        if (field(varint(value), 1, DELIMITED, 2, BYTES_4) == 1) {
          tag = text(value);
        } else {
          number = value.getFloat();
        }
      }
      if (scalars.put(tag, number) != null) {
        throw new AssertionError("two values of " + tag);
      }
    }
  }

  /** The field of {@code key}, which must be one of those in {@code known}, of its wire type. */
  private static int field(long key, int... known) {
    for (int i = 0; i < known.length; i += 2) {
      if (key == ((long) known[i] << 3 | known[i + 1])) {
        return known[i];
      }
    }
    throw new AssertionError("field %d of wire type %d".formatted(key >>> 3, key & 7));
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static String text(ByteBuffer in) {
    return StandardCharsets.UTF_8.decode(delimited(in)).toString();
  }

  private static ByteBuffer delimited(ByteBuffer in) {
    return ByteBuffer.wrap(bytes(in, (int) varint(in))).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] bytes(ByteBuffer in, int count) {
    byte[] bytes = new byte[count];
    in.get(bytes);
    return bytes;
  }
}
