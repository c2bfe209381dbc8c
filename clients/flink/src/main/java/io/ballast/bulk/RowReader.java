package io.ballast.bulk;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a line of JSON as a row. A line that is none is a row all the same, with what is wrong and
 * where: nothing of a data set vanishes.
 */
final class RowReader {
  /** Completions of one row; as many items as one Score takes. */
  static final int MAX_COMPLETIONS = 4_096;

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private RowReader() {}

  /**
   * Returns the row that a line is.
   *
   * @param utf8 the line, without its end
   */
  static Row read(String file, long line, byte[] utf8) {
    JsonNode tree;
    try {
      tree = JSON.readTree(utf8);
    } catch (JacksonException e) {
      return unreadable(file, line, null, "not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      // malformed UTF-8 is one that Jackson does not make its own
      return unreadable(file, line, null, "not JSON: " + e.getMessage());
    }
    if (!tree.isObject()) {
      return unreadable(file, line, null, "%s (expected: an object)".formatted(kind(tree)));
    }
    JsonNode id = tree.path("id");
    String name = null;
    if (id.isTextual() || id.isIntegralNumber()) {
      name = id.toString();
    } else if (!id.isMissingNode() && !id.isNull()) {
      return unreadable(
          file, line, null, "id: %s (expected: text or a whole number)".formatted(kind(id)));
    }
    JsonNode prompt = tree.path("prompt");
    if (!prompt.isTextual()) {
      return unreadable(file, line, name, "prompt: %s (expected: text)".formatted(kind(prompt)));
    }
    List<String> completions = new ArrayList<>();
    Map<String, String> references = new LinkedHashMap<>();
    Optional<String> problem =
        readCompletions(tree, completions).or(() -> readReferences(tree, references));
    if (problem.isPresent()) {
      return unreadable(file, line, name, problem.get());
    }
    return new Row(file, line, name, prompt.textValue(), completions, references, null);
  }

  private static Row unreadable(String file, long line, @Nullable String id, String problem) {
    return Row.without(file, line, id, new Failure(Failure.INVALID_INPUT, problem));
  }

  /** Returns what is wrong with the completions; else {@code into} has them. */
  private static Optional<String> readCompletions(JsonNode tree, List<String> into) {
    JsonNode one = tree.path("completion");
    JsonNode many = tree.path("completions");
    if (one.isMissingNode() == many.isMissingNode()) {
      return Optional.of(
          one.isMissingNode()
              ? "completion: absent (expected: completion or completions)"
              : "completion and completions (expected: one of the two)");
    }
    if (one.isTextual()) {
      into.add(one.textValue());
      return Optional.empty();
    }
    if (!one.isMissingNode()) {
      return Optional.of("completion: %s (expected: text)".formatted(kind(one)));
    }
    if (!many.isArray() || many.isEmpty() || many.size() > MAX_COMPLETIONS) {
      return Optional.of(
          "completions: %s (expected: an array of 1 to %,d texts)"
              .formatted(
                  many.isArray() ? "%,d of them".formatted(many.size()) : kind(many),
                  MAX_COMPLETIONS));
    }
    for (int i = 0; i < many.size(); i++) {
      if (!many.get(i).isTextual()) {
        return Optional.of("completions[%d]: %s (expected: text)".formatted(i, kind(many.get(i))));
      }
      into.add(many.get(i).textValue());
    }
    return Optional.empty();
  }

  private static Optional<String> readReferences(JsonNode tree, Map<String, String> into) {
    JsonNode references = tree.path("references");
    if (references.isMissingNode() || references.isNull()) {
      return Optional.empty();
    }
    if (!references.isObject()) {
      return Optional.of("references: %s (expected: an object)".formatted(kind(references)));
    }
    for (Map.Entry<String, JsonNode> reference : references.properties()) {
      if (!reference.getValue().isTextual()) {
        return Optional.of(
            "references.%s: %s (expected: text)"
                .formatted(reference.getKey(), kind(reference.getValue())));
      }
      into.put(reference.getKey(), reference.getValue().textValue());
    }
    return Optional.empty();
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case MISSING -> "absent";
      case NULL -> "null";
      case STRING -> "text";
      case NUMBER -> "a number";
      case BOOLEAN -> "a boolean";
      case ARRAY -> "an array";
      case OBJECT, POJO -> "an object";
      case BINARY -> "bytes";
    };
  }

  /** Returns an id as it was written. */
  static JsonNode idOf(Row row) {
    @Nullable String id = row.id();
    try {
      return id == null ? JSON.missingNode() : JSON.readTree(id);
    } catch (IOException e) {
      throw new UncheckedIOException("an id that was read before", e);
    }
  }
}
