package io.ballast.orchestrator.adapter;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * The records that TensorBoard reads: events in the framing of TFRecord, which is the length of the
 * data as 8 bytes, the masked CRC32C of these, the data, and its masked CRC32C, all little-endian.
 * An event is {@code tensorflow.Event}, of which the fields below are written.
 */
final class EventRecords {
  private static final int MASK_DELTA = 0xa282ead8;
  private static final double NANOS = 1e9;

  private static final int EVENT_WALL_TIME = 1;
  private static final int EVENT_STEP = 2;
  private static final int EVENT_FILE_VERSION = 3;
  private static final int EVENT_SUMMARY = 5;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE = 2;

  private EventRecords() {}

  /** Returns the record that a file begins with. */
  static byte[] version(Instant time) {
    return framed(
        message(
            event -> {
              event.writeDouble(EVENT_WALL_TIME, seconds(time));
              event.writeString(EVENT_FILE_VERSION, "brain.Event:2");
            }));
  }

  /** Returns the record of {@code scalars}, as 32-bit numbers, at {@code step}. */
  static byte[] scalars(int step, Instant time, Map<String, Double> scalars) {
    return framed(
        message(
            event -> {
              event.writeDouble(EVENT_WALL_TIME, seconds(time));
              event.writeInt64(EVENT_STEP, step);
              event.writeBytes(EVENT_SUMMARY, ByteString.copyFrom(summary(scalars)));
            }));
  }

  private static byte[] summary(Map<String, Double> scalars) {
    return message(
        summary -> {
          for (Map.Entry<String, Double> scalar : scalars.entrySet()) {
            byte[] value =
                message(
                    each -> {
                      each.writeString(VALUE_TAG, scalar.getKey());
                      each.writeFloat(VALUE_SIMPLE, scalar.getValue().floatValue());
                    });
            summary.writeBytes(SUMMARY_VALUE, ByteString.copyFrom(value));
          }
        });
  }

  /** Writes the fields of a message. */
  @FunctionalInterface
  private interface Fields {
    void write(CodedOutputStream to) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream coded = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(coded);
      coded.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("memory can be written", e);
    }
    return bytes.toByteArray();
  }

  private static byte[] framed(byte[] data) {
    byte[] length =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(data.length).array();
    return ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(length)
        .putInt(maskedCrc(length))
        .put(data)
        .putInt(maskedCrc(data))
        .array();
  }

  /** Returns how many of the first bytes of a file are whole records. */
  static int wholeBytes(byte[] file) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int whole = 0;
    while (isWhole(in)) {
      whole = in.position();
    }
    return whole;
  }

  /** Reads a record as far as it goes. */
  private static boolean isWhole(ByteBuffer in) {
    if (in.remaining() < Long.BYTES + Integer.BYTES) {
      return false;
    }
    long length = in.getLong(in.position());
    return isIntact(in, Long.BYTES)
        && length >= 0
        && length <= in.remaining() - Integer.BYTES
        && isIntact(in, (int) length);
  }

  private static boolean isIntact(ByteBuffer in, int length) {
    byte[] data = new byte[length];
    in.get(data);
    return in.getInt() == maskedCrc(data);
  }

  /** The CRC32C turned right by 15 bits, plus a constant. */
  static int maskedCrc(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }

  private static double seconds(Instant time) {
    return time.getEpochSecond() + time.getNano() / NANOS;
  }
}
