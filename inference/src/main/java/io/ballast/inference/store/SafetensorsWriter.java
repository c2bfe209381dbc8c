package io.ballast.inference.store;

import io.ballast.inference.store.SafetensorsFile.Content;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.Map;

/** Writes the header and the numbers of a file of named tensors, wherever that is to go. */
final class SafetensorsWriter {
  private final WritableByteChannel channel;

  SafetensorsWriter(WritableByteChannel channel) {
    this.channel = channel;
  }

  void write(List<Content> contents, Map<String, String> metadata) throws IOException {
    writeFully(SafetensorsHeader.of(contents, metadata));
    for (Content content : contents) {
      writeValues(content);
    }
  }

  private void writeValues(Content content) throws IOException {
    ByteBuffer buffer =
        ByteBuffer.allocate(SafetensorsFile.BUFFER_NUMBERS * content.type().bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    long[] written = new long[1];
    try {
      content
          .source()
          .read(
              (values, count, at) -> {
                if (at != written[0]) {
                  throw new IllegalArgumentException(
                      content.name() + ": a piece at " + at + " (expected: at " + written[0] + ")");
                }
                int done = 0;
                while (done < count) {
                  int part = Math.min(count - done, buffer.remaining() / content.type().bytes());
                  encode(values, done, part, content.type(), buffer);
                  done += part;
                  if (!buffer.hasRemaining()) {
                    drain(buffer);
                  }
                }
                written[0] += count;
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (written[0] != content.count()) {
      throw new IllegalArgumentException(
          content.name() + ": " + written[0] + " numbers (expected: " + content.count() + ")");
    }
    writeFully(buffer.flip());
  }

  private static void encode(
      float[] values, int from, int count, WeightType type, ByteBuffer buffer) {
    switch (type) {
      case FLOAT32 -> {
        buffer.asFloatBuffer().put(values, from, count);
        buffer.position(buffer.position() + count * Float.BYTES);
      }
      case BFLOAT16 -> {
        for (int i = from; i < from + count; i++) {
          buffer.putShort(toBfloat16(values[i]));
        }
      }
      case FLOAT16 -> {
        for (int i = from; i < from + count; i++) {
          buffer.putShort(Float.floatToFloat16(values[i]));
        }
      }
    }
  }

  private void drain(ByteBuffer buffer) {
    try {
      writeFully(buffer.flip());
      buffer.clear();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Rounds to nearest, ties to even; NaN stays NaN. */
  static short toBfloat16(float value) {
    int bits = Float.floatToIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  private void writeFully(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
