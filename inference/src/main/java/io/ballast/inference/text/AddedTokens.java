package io.ballast.inference.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tokens that stand beside a tokenizer's vocabulary. Those that are looked for in normalised texts
 * are normalised themselves; one of which nothing is left is found before each byte of a text, also
 * within a character, where the Hugging Face library ends the process.
 */
final class AddedTokens {
  private static final String UNKNOWN = "?";

  private AddedTokens() {}

  /**
   * The first one of which the file's normalizer leaves nothing, after where it stands; null if
   * there is none.
   *
   * @param file whose normalizer has no other flaw
   * @throws IOException if the library does not take the normalizer
   */
  static @Nullable String flaw(JsonNode file) throws IOException {
    List<Integer> normalised = normalised(file.path("added_tokens"));
    if (normalised.isEmpty() || !file.path("normalizer").isObject()) {
      return null;
    }
    try (HuggingFaceTokenizer normalizer = alone(file.path("normalizer"))) {
      for (int index : normalised) {
        String content = file.path("added_tokens").path(index).path("content").asText();
        if (normalizer.encode(content, false, false).getIds().length == 0) {
          return ".added_tokens[" + index + "]: the normalizer leaves nothing of it";
        }
      }
    } catch (RuntimeException e) { // the library has no type of its own
      throw new IOException("normalizer: " + e.getMessage(), e);
    }
    return null;
  }

  private static List<Integer> normalised(JsonNode tokens) {
    List<Integer> indices = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i).path("normalized").asBoolean()
          && !tokens.get(i).path("content").asText().isEmpty()) {
        indices.add(i);
      }
    }
    return indices;
  }

  /** A tokenizer to which a text is one token, or none if nothing is left of it. */
  private static HuggingFaceTokenizer alone(JsonNode normalizer) throws IOException {
    ObjectNode file = JsonNodeFactory.instance.objectNode();
    file.put("version", "1.0");
    file.set("normalizer", normalizer);
    file.putArray("added_tokens");
    ObjectNode model = file.putObject("model");
    model.put("type", "WordLevel").put("unk_token", UNKNOWN).putObject("vocab").put(UNKNOWN, 0);
    byte[] json = file.toString().getBytes(StandardCharsets.UTF_8);
    return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), Map.of());
  }
}
