package io.ballast.inference.store;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A file of named tensors: eight bytes of length, a JSON header, then the numbers, little-endian.
 *
 * <p>Source: the safetensors format, version 0.
 */
public final class SafetensorsFile {
  /** Numbers that are on the heap at a time. */
  static final int BUFFER_NUMBERS = 1 << 18;

  /** Gives a tensor's numbers, in row-major order, piece by piece. */
  @FunctionalInterface
  public interface Source {
    /** Hands all numbers to {@code piece}. */
    void read(Piece piece);
  }

  /**
   * A tensor to be written.
   *
   * @param source asked once, when its turn comes, so that only one tensor is on the heap
   */
  public record Content(String name, WeightType type, List<Long> shape, Source source) {
    public Content {
      shape = List.copyOf(shape);
    }

    /**
     * A tensor whose numbers fit an array.
     *
     * @param values called once, when its turn comes
     */
    public Content(String name, WeightType type, List<Long> shape, Supplier<float[]> values) {
      this(
          name,
          type,
          shape,
          piece -> {
            float[] all = values.get();
            piece.take(all, all.length, 0);
          });
    }

    long count() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }
  }

  private final Path path;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path path, SafetensorsHeader header) {
    this.path = path;
    this.header = header;
  }

  /**
   * Reads the header of {@code path}.
   *
   * @throws ModelException INVALID_FOLDER if the file is missing or not of this format
   */
  public static SafetensorsFile open(Path path) {
    try (FileChannel channel = channel(path)) {
      return of(path, channel);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /**
   * Opens {@code path} to be read.
   *
   * @throws ModelException INVALID_FOLDER if the file is missing
   */
  static FileChannel channel(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw invalid(path, "the file is missing");
    }
    return FileChannel.open(path);
  }

  /**
   * Reads the header of a file that is open.
   *
   * @throws ModelException INVALID_FOLDER if the file is not of this format
   */
  static SafetensorsFile of(Path path, FileChannel channel) throws IOException {
    return new SafetensorsFile(path, SafetensorsHeader.read(path, channel));
  }

  /** The names of the tensors, in the file's order. */
  public Set<String> names() {
    return Set.copyOf(header.entries().keySet());
  }

  /** What the writer noted, by key. */
  public Map<String, String> metadata() {
    return Map.copyOf(header.metadata());
  }

  /** Takes part of a tensor's numbers. */
  @FunctionalInterface
  public interface Piece {
    /**
     * Takes {@code count} numbers from the start of {@code values}, which is used again afterwards.
     *
     * @param at index of the first of them in the tensor, in row-major order
     */
    void take(float[] values, int count, long at);
  }

  /**
   * Reads one tensor.
   *
   * @param shape what it must be
   * @return its numbers in row-major order, widened to 32 bits
   * @throws ModelException INVALID_FOLDER if it is missing or its shape differs
   */
  public float[] read(String name, List<Long> shape) {
    SafetensorsHeader.Entry entry = entry(name, shape);
    float[] values = new float[Math.toIntExact(entry.count())];
    read(name, shape, (piece, count, at) -> System.arraycopy(piece, 0, values, (int) at, count));
    return values;
  }

  /**
   * Reads one tensor piece by piece, so that it is never on the heap as a whole.
   *
   * @param shape what it must be
   * @throws ModelException INVALID_FOLDER if it is missing or its shape differs
   */
  public void read(String name, List<Long> shape, Piece piece) {
    try (FileChannel channel = FileChannel.open(path)) {
      read(channel, name, shape, piece);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** The same from a file that is open. */
  void read(FileChannel channel, String name, List<Long> shape, Piece piece) throws IOException {
    SafetensorsHeader.Entry entry = entry(name, shape);
    long count = entry.count();
    int most = (int) Math.min(count, BUFFER_NUMBERS);
    float[] values = new float[most];
    ByteBuffer buffer =
        ByteBuffer.allocate(most * entry.type().bytes()).order(ByteOrder.LITTLE_ENDIAN);
    long done = 0;
    while (done < count) {
      int part = (int) Math.min(most, count - done);
      buffer.clear().limit(part * entry.type().bytes());
      readFully(channel, buffer, header.dataStart() + entry.begin() + done * entry.type().bytes());
      decode(buffer.flip(), entry.type(), values, part);
      piece.take(values, part, done);
      done += part;
    }
  }

  private SafetensorsHeader.Entry entry(String name, List<Long> shape) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw invalid(path, "tensor " + name + ": missing (expected: shape " + shape + ")");
    }
    if (!entry.shape().equals(shape)) {
      throw invalid(
          path, "tensor " + name + ": shape " + entry.shape() + " (expected: " + shape + ")");
    }
    return entry;
  }

  /**
   * Returns a tensor's shape.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public List<Long> shape(String name) {
    return entry(name).shape();
  }

  /**
   * Returns how a tensor's numbers are held.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public WeightType type(String name) {
    return entry(name).type();
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw invalid(path, "tensor " + name + ": missing");
    }
    return entry;
  }

  private static void decode(ByteBuffer buffer, WeightType type, float[] values, int count) {
    switch (type) {
      case FLOAT32 -> buffer.asFloatBuffer().get(values, 0, count);
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Float.intBitsToFloat(buffer.getShort() << 16);
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Float.float16ToFloat(buffer.getShort());
        }
      }
    }
  }

  /** Writes {@code contents} to a new file at {@code path}, replacing what is there. */
  public static void write(Path path, List<Content> contents, Map<String, String> metadata)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      new SafetensorsWriter(channel).write(contents, metadata);
      channel.force(true);
    }
  }

  /** The SHA-256 of the file that {@link #write} would write. */
  public static String sha256(List<Content> contents, Map<String, String> metadata) {
    DigestChannel digest = new DigestChannel();
    try {
      new SafetensorsWriter(digest).write(contents, metadata);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a digest has no disk that could fail
    }
    return digest.sha256();
  }

  static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new IOException("the file ends early, at byte " + at);
      }
      at += read;
    }
  }

  static ModelException invalid(Path path, String what) {
    return new ModelException(Reason.INVALID_FOLDER, path + ": " + what);
  }

  static ModelException unreadable(Path path, IOException e) {
    return new ModelException(Reason.INVALID_FOLDER, path + ": " + e.getMessage(), e);
  }
}
