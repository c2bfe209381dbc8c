package io.ballast.training.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a stream, each held only up to a limit, so that a file without line ends cannot fill
 * the memory. Not thread-safe.
 */
final class Lines {
  private static final char BYTE_ORDER_MARK = 0xFEFF;

  private final InputStream in;
  private final int maxBytes;
  private final byte[] block = new byte[1 << 16];
  private int at;
  private int end;
  private long number;

  Lines(InputStream in, int maxBytes) {
    this.in = in;
    this.maxBytes = maxBytes;
  }

  /** A line without its end: LF or CR LF. */
  static final class Line {
    private final long number;
    private final byte[] bytes;
    private final long size;

    private Line(long number, byte[] bytes, long size) {
      this.number = number;
      this.bytes = bytes;
      this.size = size;
    }

    /** Its number, from 1. */
    long number() {
      return number;
    }

    /** Whether nothing but white space is in it. */
    boolean isBlank() {
      if (size > bytes.length) {
        return false;
      }
      for (byte b : bytes) {
        if (b != ' ' && b != '\t' && b != '\r') {
          return false;
        }
      }
      return true;
    }

    /** Its text. */
    String text() throws BadRowException {
      if (size > bytes.length) {
        throw new BadRowException("%,d bytes, limit %,d".formatted(size, bytes.length));
      }
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      try {
        String text =
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(rest)
                .toString();
        return number == 1 && !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK
            ? text.substring(1)
            : text;
      } catch (CharacterCodingException e) {
        throw new BadRowException("byte %,d: not UTF-8".formatted(rest.position()));
      }
    }
  }

  /** Returns the next line, or null after the last. */
  @Nullable Line next() throws IOException {
    ByteArrayOutputStream kept = new ByteArrayOutputStream(256);
    long size = 0;
    boolean begun = false;
    while (fill()) {
      begun = true;
      int from = at;
      while (at < end && block[at] != '\n') {
        at++;
      }
      int length = at - from;
      kept.write(block, from, (int) Math.min(length, maxBytes - (long) kept.size()));
      size += length;
      if (at < end) {
        at++;
        return line(kept, size);
      }
    }
    return begun ? line(kept, size) : null;
  }

  private Line line(ByteArrayOutputStream kept, long size) {
    return new Line(++number, kept.toByteArray(), size);
  }

  private boolean fill() throws IOException {
    if (at == end) {
      at = 0;
      end = Math.max(0, in.read(block));
    }
    return at < end;
  }
}
