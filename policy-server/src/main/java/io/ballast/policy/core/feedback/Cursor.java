package io.ballast.policy.core.feedback;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.CRC32;

/**
 * A place in the stream of training records, opaque to clients: nine bytes and a checksum in
 * base64url, so that a mangled cursor is refused and not read as another place.
 *
 * @param position the position of the last record processed; 0: before the first
 */
record Cursor(long position) {
  private static final byte FORMAT = 1;
  private static final int PAYLOAD_BYTES = 1 + Long.BYTES;

  /** Before the first record. */
  static final Cursor BEGINNING = new Cursor(0);

  /**
   * Reads a cursor; the empty text is the beginning.
   *
   * @throws MeshException MALFORMED_REQUEST if no server made it
   */
  static Cursor parse(String text) {
    if (text.isEmpty()) {
      return BEGINNING;
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
      byte format = bytes.get();
      long position = bytes.getLong();
      boolean whole =
          bytes.remaining() == Integer.BYTES && bytes.getInt() == checksum(bytes.array());
      if (format == FORMAT && position >= 0 && whole) {
        return new Cursor(position);
      }
    } catch (IllegalArgumentException | BufferUnderflowException e) {
      throw notOurs();
    }
    throw notOurs();
  }

  /** The cursor as clients see it. */
  String text() {
    ByteBuffer bytes = ByteBuffer.allocate(PAYLOAD_BYTES + Integer.BYTES);
    bytes.put(FORMAT).putLong(position);
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
