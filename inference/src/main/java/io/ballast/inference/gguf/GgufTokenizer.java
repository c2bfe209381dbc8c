package io.ballast.inference.gguf;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GGUF file's tokenizer, written as tokenizer.json and tokenizer_config.json: byte-level BPE with
 * its merges, or SentencePiece BPE, whose merges follow from the pieces' scores.
 */
final class GgufTokenizer {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEY = "tokenizer.ggml.";
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  /** The words that Qwen2 joins to what precedes, then letters, one digit, other signs, spaces. */
  private static final String QWEN2 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** The same with up to three digits. */
  private static final String LLAMA3 = QWEN2.replace("|\\p{N}|", "|\\p{N}{1,3}|");

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final List<Long> types;
  private final boolean sentencePiece;
  private final String preTokenizer;

  private GgufTokenizer(
      GgufMetadata metadata,
      List<String> tokens,
      List<Long> types,
      boolean sentencePiece,
      String preTokenizer) {
    this.metadata = metadata;
    this.tokens = tokens;
    this.types = types;
    this.sentencePiece = sentencePiece;
    this.preTokenizer = preTokenizer;
  }

  /**
   * Reads what a file says of its tokenizer.
   *
   * @throws IllegalArgumentException if it is of a kind that is not read, or disagrees with the
   *     model; named
   */
  static GgufTokenizer of(GgufMetadata metadata, DecoderConfig config) {
    String model = metadata.requiredText(KEY + "model");
    String pre = metadata.text(KEY + "pre").orElse("default");
    boolean sentencePiece = model.equals("llama");
    require(
        sentencePiece || model.equals("gpt2"),
        KEY + "model: " + model + " (expected: one of [gpt2, llama])");
    if (!sentencePiece) {
      require(
          preTokenizers().contains(pre),
          KEY + "pre: " + pre + " (expected: one of " + preTokenizers() + ")");
    }
    List<String> tokens = metadata.texts(KEY + "tokens");
    List<Long> types = metadata.integers(KEY + "token_type");
    require(
        !tokens.isEmpty() && tokens.size() <= config.vocabularySize(),
        KEY
            + "tokens: "
            + tokens.size()
            + " (expected: at most the "
            + config.vocabularySize()
            + " rows of token_embd.weight)");
    require(
        types.isEmpty() || types.size() == tokens.size(),
        KEY + "token_type: " + types.size() + " (expected: one a token, " + tokens.size() + ")");
    return new GgufTokenizer(metadata, tokens, types, sentencePiece, pre);
  }

  private static List<String> preTokenizers() {
    return List.of("gpt-2", "smollm", "starcoder", "qwen2", "llama-bpe");
  }

  /** Writes tokenizer.json and tokenizer_config.json. */
  void write(Path folder) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), JSON.writeValueAsString(tokenizer()));
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(settings()) + "\n");
  }

  private ObjectNode tokenizer() {
    ObjectNode json = JSON.createObjectNode();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (int id = 0; id < tokens.size(); id++) {
      long type = type(id);
      if (type == CONTROL || type == USER_DEFINED || (type == UNKNOWN && sentencePiece)) {
        added
            .addObject()
            .put("id", id)
            .put("content", tokens.get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", type != USER_DEFINED);
      }
    }
    if (sentencePiece) {
      putSentencePiece(json);
    } else {
      putByteLevel(json);
    }
    return json;
  }

  private long type(int id) {
    return types.isEmpty() ? 1 : types.get(id);
  }

  private void putByteLevel(ObjectNode json) {
    if (preTokenizer.equals("qwen2")) {
      json.putObject("normalizer").put("type", "NFC");
    } else {
      json.putNull("normalizer");
    }
    switch (preTokenizer) {
      case "gpt-2" -> json.set("pre_tokenizer", byteLevel(true));
      case "smollm", "starcoder" -> {
        ArrayNode steps = sequence(json);
        steps.addObject().put("type", "Digits").put("individual_digits", true);
        steps.add(byteLevel(true));
      }
      default -> {
        ArrayNode steps = sequence(json);
        ObjectNode split = steps.addObject().put("type", "Split");
        split.putObject("pattern").put("Regex", preTokenizer.equals("qwen2") ? QWEN2 : LLAMA3);
        split.put("behavior", "Isolated").put("invert", false);
        steps.add(byteLevel(false));
      }
    }
    putBegin(json, preTokenizer.equals("llama-bpe"));
    json.set("decoder", byteLevel(true));
    ObjectNode model = model(json);
    model.putNull("unk_token");
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", preTokenizer.equals("llama-bpe"));
    putVocabulary(model);
    metadata.texts(KEY + "merges").forEach(model.putArray("merges")::add);
  }

  private static ArrayNode sequence(ObjectNode json) {
    return json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
  }

  private static ObjectNode byteLevel(boolean regex) {
    return JSON.createObjectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", regex);
  }

  private void putSentencePiece(ObjectNode json) {
    boolean prefix = metadata.truth(KEY + "add_space_prefix", true);
    ArrayNode normalizers =
        json.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    if (prefix) {
      normalizers.addObject().put("type", "Prepend").put("prepend", "▁");
    }
    replace(normalizers.addObject(), " ", "▁");
    json.putNull("pre_tokenizer");
    putBegin(json, true);
    ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
    replace(decoders.addObject(), "▁", " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    ObjectNode model = model(json);
    int unknown = metadata.integer(KEY + "unknown_token_id", 0);
    require(
        unknown >= 0 && unknown < tokens.size(),
        KEY + "unknown_token_id: " + unknown + " (expected: one of " + tokens.size() + " tokens)");
    model.put("unk_token", tokens.get(unknown));
    model.put("fuse_unk", true);
    model.put("byte_fallback", true);
    model.put("ignore_merges", false);
    putVocabulary(model);
    ArrayNode merges = model.putArray("merges");
    merges().forEach(merges::add);
  }

  private static void replace(ObjectNode json, String what, String by) {
    json.put("type", "Replace").putObject("pattern").put("String", what);
    json.put("content", by);
  }

  private static ObjectNode model(ObjectNode json) {
    ObjectNode model = json.putObject("model").put("type", "BPE");
    model.putNull("dropout");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    return model;
  }

  private void putVocabulary(ObjectNode model) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      Integer before = ids.putIfAbsent(tokens.get(id), id);
      require(
          before == null,
          KEY + "tokens[" + id + "]: the same as tokens[" + before + "], " + tokens.get(id));
    }
    ObjectNode vocabulary = model.putObject("vocab");
    ids.forEach(vocabulary::put);
  }

  private void putBegin(ObjectNode json, boolean byDefault) {
    if (!metadata.truth(KEY + "add_bos_token", byDefault)) {
      json.putNull("post_processor");
      return;
    }
    int id = metadata.integer(KEY + "bos_token_id");
    require(
        id >= 0 && id < tokens.size(),
        KEY + "bos_token_id: " + id + " (expected: one of " + tokens.size() + " tokens)");
    String begin = tokens.get(id);
    ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    single.addObject().putObject("SpecialToken").put("id", begin).put("type_id", 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    ArrayNode pair = processor.putArray("pair");
    pair.addObject().putObject("SpecialToken").put("id", begin).put("type_id", 0);
    pair.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    pair.addObject().putObject("SpecialToken").put("id", begin).put("type_id", 1);
    pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
    ObjectNode special = processor.putObject("special_tokens").putObject(begin);
    special.put("id", begin);
    special.putArray("ids").add(id);
    special.putArray("tokens").add(begin);
  }

  /**
   * The merges of a SentencePiece BPE: every way to make a piece of two others, best pieces first.
   */
  private List<String> merges() {
    List<Double> scores = metadata.numbers(KEY + "scores");
    require(
        scores.size() == tokens.size(),
        KEY + "scores: " + scores.size() + " (expected: one a token, " + tokens.size() + ")");
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
    record Merge(String text, int left, int right, double score) {}
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      if (type(id) == CONTROL || type(id) == UNKNOWN) {
        continue;
      }
      List<Merge> ofToken = new ArrayList<>();
      for (int cut = 1; cut < token.length(); cut++) {
        Integer left = ids.get(token.substring(0, cut));
        Integer right = ids.get(token.substring(cut));
        if (left != null && right != null) {
          String text = token.substring(0, cut) + " " + token.substring(cut);
          ofToken.add(new Merge(text, left, right, scores.get(id)));
        }
      }
      ofToken.sort(Comparator.comparingInt(Merge::left).thenComparingInt(Merge::right));
      merges.addAll(ofToken);
    }
    merges.sort(Comparator.comparingDouble(Merge::score).reversed());
    return merges.stream().map(Merge::text).toList();
  }

  private ObjectNode settings() {
    ObjectNode json = JSON.createObjectNode();
    json.put("tokenizer_class", "PreTrainedTokenizerFast");
    json.put("clean_up_tokenization_spaces", false);
    put(json, "bos_token", "bos_token_id");
    put(json, "eos_token", "eos_token_id");
    put(json, "unk_token", "unknown_token_id");
    put(json, "pad_token", "padding_token_id");
    metadata.text("tokenizer.chat_template").ifPresent(t -> json.put("chat_template", t));
    return json;
  }

  private void put(ObjectNode json, String name, String key) {
    long id = metadata.integer(KEY + key, -1);
    if (id >= 0 && id < tokens.size()) {
      json.put(name, tokens.get((int) id));
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
