package io.ballast.policy.adapter.spool;

import io.ballast.kit.file.OwnerOnly;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One file of a {@link SegmentLog}: eight bytes that say what it is, then records, each
 *
 * <pre>
 * length of the payload (4) · CRC-32C of all that follows (4) · milliseconds since 1970 (8) · payload
 * </pre>
 *
 * <p>in the order of bytes of the network. Its file is never read or written through a channel that
 * an interrupt would close. Guarded by its log.
 */
final class SegmentFile {
  static final int HEADER_BYTES = 8;
  static final int RECORD_BYTES = 16;
  static final String SUFFIX = ".spool";

  static final long HEADER = 0x42_53_50_4f_4f_4c_00_01L; // "BSPOOL", format 1
  static final int MAX_PAYLOAD_BYTES = 64 << 20;

  final Path path;
  private final RandomAccessFile file;
  private long length;
  private int waiting;
  private @Nullable IOException unsynced;

  private SegmentFile(Path path, RandomAccessFile file, long length) {
    this.path = path;
    this.file = file;
    this.length = length;
  }

  /** Where a record lies. */
  record Place(SegmentFile segment, long offset, int payloadBytes, Instant at) {}

  /** Is told that a file is about to lose its end. */
  @FunctionalInterface
  interface BeforeCut {
    /**
     * The last {@code bytes} of {@code path} are no whole records.
     *
     * @param torn whether a write that was broken off leaves such an end; else it is damage
     */
    void cut(Path path, long bytes, boolean torn) throws IOException;
  }

  /** Makes the {@code number}th file of a log, which has prompts: it is its owner's alone. */
  static SegmentFile create(Path folder, long number) throws IOException {
    Path path = folder.resolve("%019d%s".formatted(number, SUFFIX));
    RandomAccessFile file = new RandomAccessFile(OwnerOnly.createFile(path).toFile(), "rw");
    try {
      file.write(ByteBuffer.allocate(HEADER_BYTES).putLong(HEADER).array());
      file.getFD().sync();
      SegmentLog.syncFolder(folder);
      return new SegmentFile(path, file, HEADER_BYTES);
    } catch (IOException e) {
      file.close();
      Files.deleteIfExists(path);
      throw e;
    }
  }

  /**
   * Reads a file up to its end, or up to the first thing in it that is no whole record; that and
   * what follows is cut off.
   *
   * @param records is told of each whole record
   */
  static SegmentFile open(Path path, BiConsumer<Place, byte[]> records, BeforeCut before)
      throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    try {
      SegmentFile segment = new SegmentFile(path, file, 0);
      try (DataInputStream in =
          new DataInputStream(new BufferedInputStream(Files.newInputStream(path)))) {
        segment.read(in, records);
      }
      long cut = file.length() - segment.length;
      if (cut > 0) {
        before.cut(path, cut, isTorn(segment.rest(cut)));
        file.setLength(segment.length);
        file.getFD().sync();
      }
      return segment;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private void read(DataInputStream in, BiConsumer<Place, byte[]> records) throws IOException {
    try {
      if (in.readLong() != HEADER) {
        return;
      }
      length = HEADER_BYTES;
      while (true) {
        int payloadBytes = in.readInt();
        if (payloadBytes < 0 || payloadBytes > MAX_PAYLOAD_BYTES) {
          return;
        }
        int crc = in.readInt();
        long millis = in.readLong();
        byte[] payload = in.readNBytes(payloadBytes); // no more than there is, if this is torn
        if (payload.length < payloadBytes || crc != crc(millis, payload)) {
          return;
        }
        Place place = new Place(this, length, payloadBytes, Instant.ofEpochMilli(millis));
        length += RECORD_BYTES + payloadBytes;
        waiting++;
        records.accept(place, payload);
      }
    } catch (EOFException e) {
      return; // what was read whole counts
    }
  }

  private byte[] rest(long bytes) throws IOException {
    byte[] rest = new byte[Math.toIntExact(bytes)];
    file.seek(length);
    file.readFully(rest);
    return rest;
  }

  /**
   * Whether a write that was broken off leaves such an end: nothing but zeros, or a part of one
   * record. Where a whole record follows, somebody may have been told that it was kept.
   */
  private static boolean isTorn(byte[] rest) {
    if (IntStream.range(0, rest.length).allMatch(i -> rest[i] == 0)) {
      return true;
    }
    ByteBuffer bytes = ByteBuffer.wrap(rest);
    return !isLongEnough(bytes, 0)
        && IntStream.range(1, rest.length).noneMatch(at -> isWhole(bytes, at));
  }

  /** Whether what would be a record at {@code at} is there to its end, or cannot be one. */
  private static boolean isLongEnough(ByteBuffer bytes, int at) {
    if (bytes.capacity() - at < RECORD_BYTES) {
      return false;
    }
    int payloadBytes = bytes.getInt(at);
    return payloadBytes < 0
        || payloadBytes > MAX_PAYLOAD_BYTES
        || payloadBytes <= bytes.capacity() - at - RECORD_BYTES;
  }

  /** Whether a record lies at {@code at}, and its checksum is its own. */
  static boolean isWhole(ByteBuffer bytes, int at) {
    if (!isLongEnough(bytes, at)) {
      return false;
    }
    int payloadBytes = bytes.getInt(at);
    if (payloadBytes < 0 || payloadBytes > MAX_PAYLOAD_BYTES) {
      return false;
    }
    byte[] payload = new byte[payloadBytes];
    bytes.get(at + RECORD_BYTES, payload);
    return bytes.getInt(at + Integer.BYTES) == crc(bytes.getLong(at + 2 * Integer.BYTES), payload);
  }

  /**
   * Appends a record. On failure none is there: of what was written in part nothing stays, or it is
   * overwritten by the next record, or cut off when the file is read.
   */
  Place append(byte[] payload, Instant at) throws IOException {
    long millis = at.toEpochMilli();
    byte[] record =
        ByteBuffer.allocate(RECORD_BYTES + payload.length)
            .putInt(payload.length)
            .putInt(crc(millis, payload))
            .putLong(millis)
            .put(payload)
            .array();
    try {
      file.seek(length);
      file.write(record);
    } catch (IOException e) {
      try {
        file.setLength(length);
      } catch (IOException torn) {
        e.addSuppressed(torn);
      }
      throw e;
    }
    Place place = new Place(this, length, payload.length, Instant.ofEpochMilli(millis));
    length += record.length;
    waiting++;
    return place;
  }

  /** Returns the payload of a record of this file. */
  byte[] read(Place place) throws IOException {
    ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES + place.payloadBytes());
    file.seek(place.offset());
    file.readFully(record.array());
    byte[] payload = new byte[place.payloadBytes()];
    int payloadBytes = record.getInt();
    int crc = record.getInt();
    long millis = record.getLong();
    record.get(payload);
    if (payloadBytes != payload.length || crc != crc(millis, payload)) {
      throw new IOException("%s at %,d: the checksum differs".formatted(path, place.offset()));
    }
    return payload;
  }

  /**
   * Returns once all that was appended is on the disk. The system tells a failure to one of those
   * who ask, and may forget it: here it stays.
   */
  void sync() throws IOException {
    synchronized (file) {
      if (unsynced != null) {
        throw new IOException(unsynced.getMessage(), unsynced);
      }
      try {
        file.getFD().sync();
      } catch (IOException e) {
        unsynced = e;
        throw e;
      }
    }
  }

  /** One record of it is no longer wanted. Returns whether none is. */
  boolean forgetOne() {
    return --waiting == 0;
  }

  boolean isEmpty() {
    return waiting == 0;
  }

  long length() {
    return length;
  }

  void delete() throws IOException {
    file.close();
    Files.deleteIfExists(path);
  }

  void close() throws IOException {
    file.close();
  }

  private static int crc(long millis, byte[] payload) {
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(millis).array());
    crc.update(payload);
    return (int) crc.getValue();
  }
}
