package io.ballast.inference.store;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.SafetensorsFile.Content;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands before the numbers: which tensors there are, of which shape and type, and where.
 *
 * @param dataStart the first byte of the numbers in the file
 * @param entries by name, in the file's order
 * @param metadata what the writer noted, by key
 */
record SafetensorsHeader(
    long dataStart, Map<String, SafetensorsHeader.Entry> entries, Map<String, String> metadata) {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final int MAX_BYTES = 100_000_000;
  private static final String METADATA = "__metadata__";

  /**
   * A tensor.
   *
   * @param begin its first byte, after the header
   * @param end after its last one
   */
  record Entry(WeightType type, List<Long> shape, long begin, long end) {
    long count() {
      return (end - begin) / type.bytes();
    }
  }

  /**
   * Reads the header of a file that is open.
   *
   * @throws ModelException INVALID_FOLDER if the file is not of this format
   */
  static SafetensorsHeader read(Path path, FileChannel channel) throws IOException {
    ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    SafetensorsFile.readFully(channel, prefix, 0);
    long length = prefix.flip().remaining() < 8 ? -1 : prefix.getLong();
    if (length < 2 || length > MAX_BYTES || 8 + length > channel.size()) {
      throw SafetensorsFile.invalid(
          path,
          "header of "
              + length
              + " bytes in a file of "
              + channel.size()
              + " (expected: a safetensors file)");
    }
    ByteBuffer header = ByteBuffer.allocate((int) length);
    SafetensorsFile.readFully(channel, header, 8);
    JsonNode json = JSON.readTree(header.array());
    if (!json.isObject()) {
      throw SafetensorsFile.invalid(
          path, "header: not a JSON object (expected: a safetensors file)");
    }
    return parse(path, json, 8 + length, channel.size() - 8 - length);
  }

  private static SafetensorsHeader parse(Path path, JsonNode json, long dataStart, long dataBytes) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      if (name.equals(METADATA)) {
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
        throw SafetensorsFile.invalid(
            path,
            "tensor %s: bytes %d to %d do not hold %s %s"
                .formatted(name, entry.begin, entry.end, shape, entry.type.code()));
      }
      if (entry.end > dataBytes) {
        throw SafetensorsFile.invalid(
            path,
            "tensor %s: bytes %d to %d after the header reach beyond the file, which has %d there (cut short?)"
                .formatted(name, entry.begin, entry.end, dataBytes));
      }
      entries.put(name, entry);
    }
    requireSideBySide(path, entries, dataBytes);
    return new SafetensorsHeader(
        dataStart, Collections.unmodifiableMap(entries), Collections.unmodifiableMap(metadata));
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
        throw SafetensorsFile.invalid(path, "tensor " + entry.getKey() + ": overlaps " + before);
      }
      if (begin > end) {
        throw SafetensorsFile.invalid(
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
      throw SafetensorsFile.invalid(
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
                SafetensorsFile.invalid(
                    path, "tensor " + name + ": type " + code + " (expected: F32, BF16, F16)"));
  }

  /** The header of a file that is to have these tensors, one after the other, with its length. */
  static ByteBuffer of(List<Content> contents, Map<String, String> metadata) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode notes = header.putObject(METADATA);
    metadata.forEach(notes::put);
    long offset = 0;
    for (Content content : contents) {
      ObjectNode entry = header.putObject(content.name());
      entry.put("dtype", content.type().code());
      ArrayNode shape = entry.putArray("shape");
      content.shape().forEach(shape::add);
      long end = offset + content.count() * content.type().bytes();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = JSON.writeValueAsBytes(header);
    int padded = (json.length + 7) / 8 * 8;
    return ByteBuffer.allocate(8 + padded)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(padded)
        .put(json)
        .put(" ".repeat(padded - json.length).getBytes(StandardCharsets.US_ASCII))
        .flip();
  }
}
