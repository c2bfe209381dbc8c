package io.ballast.inference.store;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
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
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final int MAX_HEADER_BYTES = 100_000_000;
  private static final int BUFFER_NUMBERS = 1 << 18;

  private record Entry(WeightType type, List<Long> shape, long begin, long end) {
    long count() {
      return (end - begin) / type.bytes();
    }
  }

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

    private long count() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }
  }

  private final Path path;
  private final long dataStart;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path path, long dataStart, Map<String, Entry> entries, Map<String, String> metadata) {
    this.path = path;
    this.dataStart = dataStart;
    this.entries = entries;
    this.metadata = metadata;
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
    ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, prefix, 0);
    long length = prefix.flip().remaining() < 8 ? -1 : prefix.getLong();
    if (length < 2 || length > MAX_HEADER_BYTES || 8 + length > channel.size()) {
      throw invalid(
          path,
          "header of "
              + length
              + " bytes in a file of "
              + channel.size()
              + " (expected: a safetensors file)");
    }
    ByteBuffer header = ByteBuffer.allocate((int) length);
    readFully(channel, header, 8);
    JsonNode json = JSON.readTree(header.array());
    if (!json.isObject()) {
      throw invalid(path, "header: not a JSON object (expected: a safetensors file)");
    }
    return parse(path, json, 8 + length, channel.size() - 8 - length);
  }

  private static SafetensorsFile parse(Path path, JsonNode json, long dataStart, long dataBytes) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      if (name.equals("__metadata__")) {
        value.properties().forEach(p -> metadata.put(p.getKey(), p.getValue().asText()));
        continue;
      }
      List<Long> shape = new ArrayList<>();
      value.path("shape").forEach(d -> shape.add(whole(d)));
      Entry entry =
          new Entry(
              type(path, name, value.path("dtype").asText()),
              List.copyOf(shape),
              whole(value.path("data_offsets").path(0)),
              whole(value.path("data_offsets").path(1)));
      if (entry.begin < 0
          || value.path("data_offsets").size() != 2
          || !value.path("shape").isArray()
          || entry.end - entry.begin != bytes(shape, entry.type, Long.MAX_VALUE)) {
        throw invalid(
            path,
            "tensor "
                + name
                + ": bytes "
                + entry.begin
                + " to "
                + entry.end
                + " do not hold "
                + shape
                + " "
                + entry.type.code());
      }
      if (entry.end > dataBytes) {
        throw invalid(
            path,
            "tensor "
                + name
                + ": bytes "
                + entry.begin
                + " to "
                + entry.end
                + " after the header reach beyond the file, which has "
                + dataBytes
                + " there (cut short?)");
      }
      entries.put(name, entry);
    }
    requireSideBySide(path, entries, dataBytes);
    return new SafetensorsFile(path, dataStart, entries, metadata);
  }

  /** A number as it stands there; −1 if it is none, has a fraction, or is longer than 64 bits. */
  private static long whole(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() ? node.asLong() : -1;
  }

  /** Refuses tensors that overlap, and bytes that belong to none. */
  private static void requireSideBySide(Path path, Map<String, Entry> entries, long dataBytes) {
    List<Map.Entry<String, Entry>> ordered = new ArrayList<>(entries.entrySet());
    ordered.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long end = 0;
    String before = "the header";
    for (Map.Entry<String, Entry> entry : ordered) {
      long begin = entry.getValue().begin();
      if (begin < end) {
        throw invalid(path, "tensor " + entry.getKey() + ": overlaps " + before);
      }
      if (begin > end) {
        throw invalid(
            path,
            "tensor "
                + entry.getKey()
                + ": "
                + (begin - end)
                + " bytes that belong to no tensor before it, after "
                + before);
      }
      end = entry.getValue().end();
      before = "tensor " + entry.getKey();
    }
    if (end != dataBytes) {
      throw invalid(
          path, (dataBytes - end) + " bytes that belong to no tensor at the end, after " + before);
    }
  }

  /** How many bytes a tensor takes; −1 if it is none, or takes more than {@code most}. */
  private static long bytes(List<Long> shape, WeightType type, long most) {
    long bytes = type.bytes();
    for (long side : shape) {
      if (side < 0 || (side > 0 && bytes > most / side)) {
        return -1;
      }
      bytes *= side;
    }
    return bytes;
  }

  private static WeightType type(Path path, String name, String code) {
    return Arrays.stream(WeightType.values())
        .filter(type -> type.code().equals(code))
        .findFirst()
        .orElseThrow(
            () ->
                invalid(path, "tensor " + name + ": type " + code + " (expected: F32, BF16, F16)"));
  }

  /** The names of the tensors, in the file's order. */
  public Set<String> names() {
    return Set.copyOf(entries.keySet());
  }

  /** What the writer noted, by key. */
  public Map<String, String> metadata() {
    return Map.copyOf(metadata);
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
    Entry entry = entry(name, shape);
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
    Entry entry = entry(name, shape);
    long count = entry.count();
    int most = (int) Math.min(count, BUFFER_NUMBERS);
    float[] values = new float[most];
    ByteBuffer buffer =
        ByteBuffer.allocate(most * entry.type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    long done = 0;
    while (done < count) {
      int part = (int) Math.min(most, count - done);
      buffer.clear().limit(part * entry.type.bytes());
      readFully(channel, buffer, dataStart + entry.begin + done * entry.type.bytes());
      decode(buffer.flip(), entry.type, values, part);
      piece.take(values, part, done);
      done += part;
    }
  }

  private Entry entry(String name, List<Long> shape) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw invalid(path, "tensor " + name + ": missing (expected: shape " + shape + ")");
    }
    if (!entry.shape.equals(shape)) {
      throw invalid(
          path, "tensor " + name + ": shape " + entry.shape + " (expected: " + shape + ")");
    }
    return entry;
  }

  /**
   * Returns a tensor's shape.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public List<Long> shape(String name) {
    return entry(name).shape;
  }

  /**
   * Returns how a tensor's numbers are held.
   *
   * @throws ModelException INVALID_FOLDER if it is missing
   */
  public WeightType type(String name) {
    return entry(name).type;
  }

  private Entry entry(String name) {
    Entry entry = entries.get(name);
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
      write(channel, contents, metadata);
      channel.force(true);
    }
  }

  /** The SHA-256 of the file that {@link #write} would write. */
  public static String sha256(List<Content> contents, Map<String, String> metadata) {
    DigestChannel digest = new DigestChannel();
    try {
      write(digest, contents, metadata);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a digest has no disk that could fail
    }
    return digest.sha256();
  }

  private static void write(
      WritableByteChannel channel, List<Content> contents, Map<String, String> metadata)
      throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode notes = header.putObject("__metadata__");
    metadata.forEach(notes::put);
    long offset = 0;
    for (Content content : contents) {
      ObjectNode entry = header.putObject(content.name);
      entry.put("dtype", content.type.code());
      ArrayNode shape = entry.putArray("shape");
      content.shape.forEach(shape::add);
      long end = offset + content.count() * content.type.bytes();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = JSON.writeValueAsBytes(header);
    int padded = (json.length + 7) / 8 * 8;
    ByteBuffer prefix = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    prefix
        .putLong(padded)
        .put(json)
        .put(" ".repeat(padded - json.length).getBytes(StandardCharsets.US_ASCII));
    writeFully(channel, prefix.flip());
    for (Content content : contents) {
      writeValues(channel, content);
    }
  }

  private static void writeValues(WritableByteChannel channel, Content content) throws IOException {
    ByteBuffer buffer =
        ByteBuffer.allocate(BUFFER_NUMBERS * content.type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    long[] written = new long[1];
    try {
      content.source.read(
          (values, count, at) -> {
            if (at != written[0]) {
              throw new IllegalArgumentException(
                  content.name + ": a piece at " + at + " (expected: at " + written[0] + ")");
            }
            int done = 0;
            while (done < count) {
              int part = Math.min(count - done, buffer.remaining() / content.type.bytes());
              encode(values, done, part, content.type, buffer);
              done += part;
              if (!buffer.hasRemaining()) {
                drain(channel, buffer);
              }
            }
            written[0] += count;
          });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (written[0] != content.count()) {
      throw new IllegalArgumentException(
          content.name + ": " + written[0] + " numbers (expected: " + content.count() + ")");
    }
    writeFully(channel, buffer.flip());
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

  private static void drain(WritableByteChannel channel, ByteBuffer buffer) {
    try {
      writeFully(channel, buffer.flip());
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

  private static void readFully(FileChannel channel, ByteBuffer buffer, long position)
      throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new IOException("the file ends early, at byte " + at);
      }
      at += read;
    }
  }

  private static void writeFully(WritableByteChannel channel, ByteBuffer buffer)
      throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static ModelException invalid(Path path, String what) {
    return new ModelException(Reason.INVALID_FOLDER, path + ": " + what);
  }

  static ModelException unreadable(Path path, IOException e) {
    return new ModelException(Reason.INVALID_FOLDER, path + ": " + e.getMessage(), e);
  }
}
