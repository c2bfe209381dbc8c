package io.ballast.inference.gguf;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile.Piece;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GGUF file, versions 2 and 3, little-endian: metadata by key, then tensors. It is mapped, and
 * nothing is allocated for what it only claims to hold.
 *
 * <p>Source: the GGUF specification of the ggml project.
 */
final class GgufFile {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int MOST_DIMENSIONS = 4;
  private static final int PIECE_NUMBERS = 1 << 16;

  /**
   * A tensor.
   *
   * @param shape slowest dimension first, as safetensors has it; GGUF writes it the other way round
   * @param from its first byte in the file
   */
  record GgufTensor(String name, List<Long> shape, GgufType type, long from) {
    long count() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
    }

    long bytes() {
      return count() / type.blockNumbers() * type.blockBytes();
    }
  }

  private final MemorySegment data;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(MemorySegment data, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    this.data = data;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /**
   * Maps a file and reads all but its numbers.
   *
   * @param arena for how long it stays mapped
   * @throws ModelException INVALID_FOLDER if it is missing, truncated, of another format, or
   *     contradicts itself; named
   */
  static GgufFile open(Path path, Arena arena) {
    if (!Files.isRegularFile(path)) {
      throw invalid(path, "the file is missing");
    }
    try (FileChannel channel = FileChannel.open(path)) {
      return parse(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, path + ": " + e.getMessage(), e);
    }
  }

  private static GgufFile parse(MemorySegment data) {
    GgufCursor cursor = new GgufCursor(data);
    int magic = cursor.int32("magic");
    require(magic == MAGIC, "not a GGUF file");
    int version = cursor.int32("version");
    require(version == 2 || version == 3, "version " + version + " (expected: 2 or 3)");
    long tensorCount = cursor.count("tensor count", 24); // name, dimensions, type and offset
    long keyCount = cursor.count("metadata count", 13); // name, type and one byte
    GgufMetadata metadata = GgufMetadata.read(cursor, keyCount);
    long alignment = metadata.integer("general.alignment", 32);
    require(
        alignment > 0 && alignment % 8 == 0 && alignment <= 1 << 20,
        "general.alignment: " + alignment + " (expected: a multiple of 8)");
    List<Header> headers = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      headers.add(header(cursor, i));
    }
    long start = (cursor.at() + alignment - 1) / alignment * alignment;
    return new GgufFile(data, metadata, placed(headers, start, alignment, data));
  }

  private record Header(String name, List<Long> shape, GgufType type, long offset) {}

  private static Header header(GgufCursor cursor, long index) {
    String name = cursor.text("tensors[" + index + "].name");
    String what = "tensor " + name;
    int dimensions = cursor.int32(what + ": dimensions");
    require(
        dimensions >= 1 && dimensions <= MOST_DIMENSIONS,
        what + ": " + dimensions + " dimensions (expected: 1 to " + MOST_DIMENSIONS + ")");
    List<Long> shape = new ArrayList<>();
    for (int d = 0; d < dimensions; d++) {
      shape.addFirst(cursor.int64(what + ": shape"));
    }
    int code = cursor.int32(what + ": type");
    GgufType type =
        GgufType.of(code)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        what
                            + ": type "
                            + GgufType.nameOf(code)
                            + " (expected: one of "
                            + GgufType.known()
                            + ")"));
    long offset = cursor.int64(what + ": offset");
    require(
        shape.getLast() % type.blockNumbers() == 0,
        what
            + ": rows of "
            + shape.getLast()
            + " numbers (expected: a multiple of "
            + type.blockNumbers()
            + ", "
            + type
            + ")");
    return new Header(name, List.copyOf(shape), type, offset);
  }

  private static Map<String, GgufTensor> placed(
      List<Header> headers, long start, long alignment, MemorySegment data) {
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    List<GgufTensor> ordered = new ArrayList<>();
    for (Header header : headers) {
      long room = data.byteSize() - start;
      String what = "tensor " + header.name + ": offset " + header.offset;
      require(
          header.offset >= 0 && header.offset % alignment == 0,
          what + " (expected: a multiple of " + alignment + ")");
      long bytes = bytes(header, room);
      require(
          bytes >= 0 && header.offset <= room - bytes,
          what + ": " + header.shape + " " + header.type + " reaches beyond the file");
      GgufTensor tensor =
          new GgufTensor(header.name, header.shape, header.type, start + header.offset);
      require(tensors.put(header.name, tensor) == null, "tensor " + header.name + ": there twice");
      ordered.add(tensor);
    }
    ordered.sort(Comparator.comparingLong(GgufTensor::from));
    for (int i = 1; i < ordered.size(); i++) {
      GgufTensor before = ordered.get(i - 1);
      require(
          before.from() + before.bytes() <= ordered.get(i).from(),
          "tensor " + ordered.get(i).name() + ": overlaps tensor " + before.name());
    }
    return tensors;
  }

  /** How many bytes a tensor takes; −1 if it is none, or takes more than {@code most}. */
  private static long bytes(Header header, long most) {
    long numbers = 1;
    for (long side : header.shape) {
      if (side < 1 || numbers > Long.MAX_VALUE / side) {
        return -1;
      }
      numbers *= side;
    }
    long blocks = numbers / header.type.blockNumbers();
    return blocks > most / header.type.blockBytes() ? -1 : blocks * header.type.blockBytes();
  }

  GgufMetadata metadata() {
    return metadata;
  }

  /** The tensors by name, in the file's order. */
  Map<String, GgufTensor> tensors() {
    return tensors;
  }

  /**
   * Reads a tensor, widened to 32 bits, in pieces.
   *
   * @param order where the rows that are wanted stand; a vector's numbers are rows of one
   */
  void read(GgufTensor tensor, RowOrder order, Piece piece) {
    if (tensor.shape().size() == 1) {
      readVector(tensor, order, piece);
      return;
    }
    long width = tensor.shape().getLast();
    long count = tensor.count() / width;
    int block = tensor.type().blockNumbers();
    int most = (int) Math.min(width, PIECE_NUMBERS);
    float[] values = new float[most];
    long rowBytes = width / block * tensor.type().blockBytes();
    for (long row = 0; row < count; row++) {
      long from = tensor.from() + order.source(row) * rowBytes;
      for (long column = 0; column < width; column += most) {
        int part = (int) Math.min(most, width - column);
        from = widen(tensor.type(), from, values, part);
        piece.take(values, part, row * width + column);
      }
    }
  }

  private void readVector(GgufTensor tensor, RowOrder order, Piece piece) {
    int count = Math.toIntExact(tensor.count());
    float[] stored = new float[count];
    widen(tensor.type(), tensor.from(), stored, count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = stored[(int) order.source(i)];
    }
    piece.take(values, count, 0);
  }

  /** Widens whole blocks; returns the byte after them. */
  private long widen(GgufType type, long from, float[] values, int count) {
    long at = from;
    for (int i = 0; i < count; i += type.blockNumbers()) {
      type.read(data, at, values, i);
      at += type.blockBytes();
    }
    return at;
  }

  /** Where a row of what is wanted stands in the file. */
  @FunctionalInterface
  interface RowOrder {
    /** Returns the row's index in the file. */
    long source(long row);
  }

  private static ModelException invalid(Path path, String what) {
    return new ModelException(Reason.INVALID_FOLDER, path + ": " + what);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
