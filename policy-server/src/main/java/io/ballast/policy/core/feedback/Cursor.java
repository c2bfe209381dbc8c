package io.ballast.policy.core.feedback;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.CRC32;

/**
 * A place in a stream, opaque to clients: nine bytes and a checksum in base64url, so that a mangled
 * cursor, or one of another stream, is refused and not read as another place.
 *
 * @param position the position of the last record processed; 0: before the first
 */
record Cursor(Stream stream, long position) {
  private static final int PAYLOAD_BYTES = 1 + Long.BYTES;

  /** Which stream; its format is a cursor's first byte. */
  enum Stream {
    TRAINING_RECORDS(1),
    DECISIONS(2);

    private final byte format;

    Stream(int format) {
      this.format = (byte) format;
    }
  }

  /**
   * Reads a cursor; the empty text is the beginning.
   *
   * @throws MeshException MALFORMED_REQUEST if no server made it
   */
  static Cursor parse(Stream stream, String text) {
    if (text.isEmpty()) {
      return new Cursor(stream, 0);
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
      byte format = bytes.get();
      long position = bytes.getLong();
      boolean whole =
          bytes.remaining() == Integer.BYTES && bytes.getInt() == checksum(bytes.array());
      if (format == stream.format && position >= 0 && whole) {
        return new Cursor(stream, position);
      }
    } catch (IllegalArgumentException | BufferUnderflowException e) {
      throw notOurs();
    }
    throw notOurs();
  }

  /** The cursor as clients see it. */
  String text() {
    ByteBuffer bytes = ByteBuffer.allocate(PAYLOAD_BYTES + Integer.BYTES);
    bytes.put(stream.format).putLong(position);
    bytes.putInt(checksum(bytes.array()));
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.array());
  }

  private static int checksum(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes, 0, PAYLOAD_BYTES);
    return (int) crc.getValue();
  }

  private static MeshException notOurs() {
    return Texts.malformed("after_cursor", "not a cursor of this stream");
  }
}
