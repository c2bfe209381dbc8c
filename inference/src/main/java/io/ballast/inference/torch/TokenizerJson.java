package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.api.TokenIds;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a Hugging Face tokenizer.json says of its tokens: which bytes each stands for, and what
 * precedes a text. Two kinds of BPE are read: byte-level, and SentencePiece's with bytes as a way
 * out ({@code ▁} for a space, {@code <0x0A>} for a byte).
 */
final class TokenizerJson {
  private static final Pattern BYTE = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
  private static final char SPACE = '▁';

  private final byte[][] bytes;
  private final BitSet added;
  private final boolean leadingSpace;
  private final TokenIds beginning;

  private TokenizerJson(byte[][] bytes, BitSet added, boolean leadingSpace, TokenIds beginning) {
    this.bytes = bytes;
    this.added = added;
    this.leadingSpace = leadingSpace;
    this.beginning = beginning;
  }

  /**
   * Reads a tokenizer.json.
   *
   * @throws IllegalArgumentException if it is of another kind, or an id is out of range or there
   *     twice; named
   */
  static TokenizerJson of(JsonNode json) {
    JsonNode model = json.path("model");
    JsonNode decoder = json.path("decoder");
    String type = model.path("type").asText("absent");
    boolean byteLevel = decoder.toString().contains("\"ByteLevel\"");
    boolean sentencePiece =
        !byteLevel
            && model.path("byte_fallback").asBoolean()
            && (decoder.toString().contains("\"Metaspace\"")
                || decoder.toString().contains("\"" + SPACE + "\""));
    if (!type.equals("BPE") || !(byteLevel || sentencePiece)) {
      throw new IllegalArgumentException(
          "model "
              + type
              + ", decoder "
              + decoder.path("type")
              + " (expected: BPE, with a ByteLevel decoder, or with byte_fallback and "
              + SPACE
              + " for spaces)");
    }
    return new TokenizerJson(
        bytes(json, sentencePiece),
        added(json),
        sentencePiece && leadingSpace(json),
        beginning(json));
  }

  private static BitSet added(JsonNode json) {
    BitSet added = new BitSet();
    for (JsonNode token : json.path("added_tokens")) {
      added.set(id(token.path("id"), token.path("content").asText()));
    }
    return added;
  }

  private static byte[][] bytes(JsonNode json, boolean sentencePiece) {
    JsonNode vocabulary = json.path("model").path("vocab");
    JsonNode added = json.path("added_tokens");
    Map<Integer, String> texts = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      String before = texts.put(id(entry.getValue(), entry.getKey()), entry.getKey());
      if (before != null) {
        throw new IllegalArgumentException(
            "id "
                + entry.getValue()
                + ": of both \""
                + before
                + "\" and \""
                + entry.getKey()
                + '"');
      }
    }
    Map<Integer, JsonNode> addedById = new HashMap<>();
    for (JsonNode token : added) {
      String content = token.path("content").asText();
      int id = id(token.path("id"), content);
      addedById.put(id, token);
      texts.put(id, content);
    }
    int size = texts.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
    byte[][] bytes = new byte[size][];
    String unknown = json.path("model").path("unk_token").asText("");
    for (int id = 0; id < size; id++) {
      String text = texts.getOrDefault(id, "");
      JsonNode token = addedById.get(id);
      if (token != null && token.path("special").asBoolean()) {
        bytes[id] = new byte[0];
      } else if (sentencePiece) {
        bytes[id] = text.equals(unknown) ? new byte[0] : pieceBytes(text);
      } else {
        bytes[id] =
            token == null ? ByteLevelAlphabet.bytes(text) : text.getBytes(StandardCharsets.UTF_8);
      }
    }
    return bytes;
  }

  /** Whole ids up to some millions: a table is made of them. */
  private static int id(JsonNode node, String text) {
    if (!node.isIntegralNumber() || node.asLong() < 0 || node.asLong() > 1 << 24) {
      throw new IllegalArgumentException(
          "token \"" + text + "\": id " + node + " (expected: 0 to " + (1 << 24) + ")");
    }
    return node.asInt();
  }

  private static byte[] pieceBytes(String piece) {
    Matcher octet = BYTE.matcher(piece);
    if (octet.matches()) {
      return new byte[] {(byte) Integer.parseInt(octet.group(1), 16)};
    }
    return piece.replace(SPACE, ' ').getBytes(StandardCharsets.UTF_8);
  }

  /** Whether a text is encoded as if a space preceded it. */
  private static boolean leadingSpace(JsonNode json) {
    JsonNode pre = json.path("pre_tokenizer");
    boolean metaspace =
        pre.toString().contains("\"Metaspace\"")
            && !pre.toString().contains("\"prepend_scheme\":\"never\"")
            && !pre.toString().contains("\"add_prefix_space\":false");
    return metaspace || json.path("normalizer").toString().contains("\"Prepend\"");
  }

  /** The special tokens that the post-processor puts before a single text. */
  private static TokenIds beginning(JsonNode json) {
    List<JsonNode> processors = new ArrayList<>();
    processors.add(json.path("post_processor"));
    json.path("post_processor").path("processors").forEach(processors::add);
    List<Integer> ids = new ArrayList<>();
    for (JsonNode processor : processors) {
      if (!processor.path("type").asText().equals("TemplateProcessing")) {
        continue;
      }
      for (JsonNode part : processor.path("single")) {
        if (part.has("Sequence")) {
          break;
        }
        String token = part.path("SpecialToken").path("id").asText();
        processor
            .path("special_tokens")
            .path(token)
            .path("ids")
            .forEach(id -> ids.add(id(id, token)));
      }
    }
    return TokenIds.of(ids.stream().mapToInt(Integer::intValue).toArray());
  }

  /** The bytes of each id; none for a special token. */
  byte[][] bytes() {
    return bytes;
  }

  /**
   * Whether a token stands beside the vocabulary of texts, among {@code added_tokens}, as those do
   * that begin or end texts or frame what is said.
   */
  boolean added(int id) {
    return added.get(id);
  }

  /** Whether a text is encoded as if a space preceded it, which decoding takes away. */
  boolean leadingSpace() {
    return leadingSpace;
  }

  /** What precedes the first token of a text; empty for most. */
  TokenIds beginning() {
    return beginning;
  }
}
