package io.ballast.inference.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.kit.call.Texts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tokenizer.json as the Hugging Face library would. Within some of its parts that library
 * ends the whole process where its parser fails, so whatever that does not take is refused before:
 * half a surrogate pair, a number beyond 64-bit floats, too many levels, text after the end, and
 * {@linkplain TokenizerParts parts} that it takes to be whole. It reads each part of a name that is
 * there twice, so that none may be. Lastly no {@linkplain AddedTokens added token} may be empty.
 */
public final class TokenizerFile {
  /** The library's parser takes 128 levels, some of which may be its own. */
  private static final int DEEPEST = 100;

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private TokenizerFile() {}

  /**
   * Returns what stands in a file that the library may be given.
   *
   * @throws IOException that names what it does not take, or if the file cannot be read
   */
  public static JsonNode read(Path file) throws IOException {
    JsonNode root = JSON.readTree(file.toFile());
    String flaw = flaw(root);
    if (flaw == null) {
      flaw = AddedTokens.flaw(root);
    }
    if (flaw != null) {
      throw new IOException(flaw);
    }
    return root;
  }

  /** What the library does not take, after where it stands; null if it takes all of it. */
  private static @Nullable String flaw(JsonNode node) {
    if (node.isTextual()) {
      String flaw = Texts.encodingFlaw(node.textValue());
      return flaw == null ? null : ": " + flaw;
    }
    if (node.isNumber()) {
      return Double.isFinite(node.doubleValue()) ? null : ": a number that is too large";
    }
    for (int i = 0; node.isArray() && i < node.size(); i++) {
      String flaw = flaw(node.get(i));
      if (flaw != null) {
        return "[" + i + "]" + flaw;
      }
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      String flaw = flaw(field.getValue());
      if (flaw != null) {
        return "." + field.getKey() + flaw;
      }
    }
    return node.isObject() ? TokenizerParts.flaw(node) : null;
  }
}
