package io.ballast.policy.adapter.spool;

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
import java.util.zip.CRC32C;

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

  private static final long HEADER = 0x42_53_50_4f_4f_4c_00_01L; // "BSPOOL", format 1
  private static final int MAX_PAYLOAD_BYTES = 64 << 20;

  final Path path;
  private final RandomAccessFile file;
  private long length;
  private int waiting;

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
    /** The last {@code bytes} of {@code path} are no whole records. */
    void cut(Path path, long bytes) throws IOException;
  }

  /** Makes the {@code number}th file of a log. */
  static SegmentFile create(Path folder, long number) throws IOException {
    Path path = folder.resolve("%019d%s".formatted(number, SUFFIX));
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
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
        before.cut(path, cut);
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

  /**
   * Appends a record. On failure the file is as it was, unless it cannot be shortened either.
   *
   * @throws TornException if it is not as it was
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
        throw new TornException(e);
      }
      throw e;
    }
    Place place = new Place(this, length, payload.length, Instant.ofEpochMilli(millis));
    length += record.length;
    waiting++;
    return place;
  }

  /** A record is in the file in part, and cannot be taken out. */
  static final class TornException extends IOException {
    private static final long serialVersionUID = 1L;

    private TornException(IOException cause) {
      super(cause.getMessage(), cause);
    }
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

  void sync() throws IOException {
    file.getFD().sync();
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
