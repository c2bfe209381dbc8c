package io.ballast.reward.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.Texts;
import io.ballast.kit.redaction.JsonFlaw;
import io.ballast.kit.redaction.PlainWords;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A request's body, a JSON object. Fields that nobody asks for are passed over: clients send what
 * they like. Of those that are asked for, scalars and lists are kept, and of what is nested no more
 * than its kind.
 */
record JsonBody(ObjectNode object) {
  /** Names and values of a body, those passed over too: each name read is kept for a while. */
  private static final int MOST_TOKENS = 200_000;

  private static final JsonMapper JSON =
      new JsonMapper(
          JsonFactory.builder()
              .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
              .streamReadConstraints(
                  StreamReadConstraints.builder().maxTokenCount(MOST_TOKENS).build())
              .build());

  private static final int SHOWN_CHARACTERS = 40;

  /**
   * Reads bytes, JSON in UTF-8.
   *
   * @param fields those that may be asked for
   * @param maxItems of a list
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if they are no JSON object, or one
   *     of {@code fields} is a longer list or stands there twice
   */
  static JsonBody read(byte[] bytes, Set<String> fields, int maxItems) {
    try (JsonParser parser = JSON.createParser(bytes)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw Texts.malformed("body", shown(flat(parser)) + " (expected: an object)");
      }
      ObjectNode object = JSON.createObjectNode();
      for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
        JsonToken begin = parser.nextToken();
        if (!fields.contains(field)) {
          parser.skipChildren();
          continue;
        }
        if (object.has(field)) {
          throw Texts.malformed(field, "there twice (expected: once)");
        }
        object.set(
            field, begin == JsonToken.START_ARRAY ? list(parser, field, maxItems) : flat(parser));
      }
      if (parser.nextToken() != null) {
        throw Texts.malformed("body", "no JSON: more behind the object");
      }
      return new JsonBody(object);
    } catch (StreamConstraintsException e) {
      throw Texts.malformed("body", JsonFlaw.of(e));
    } catch (JsonProcessingException e) {
      throw Texts.malformed("body", "no JSON: " + JsonFlaw.of(e));
    } catch (IOException e) {
      throw Texts.malformed("body", "no JSON: " + e.getMessage());
    }
  }

  private static ArrayNode list(JsonParser parser, String field, int maxItems) throws IOException {
    ArrayNode list = JSON.createArrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (list.size() == maxItems) {
        throw Texts.malformed(
            field, "more than %,d items (expected: 1 to %,d)".formatted(maxItems, maxItems));
      }
      list.add(flat(parser));
    }
    return list;
  }

  /** The value that begins here; of a list or an object, an empty one. */
  private static JsonNode flat(JsonParser parser) throws IOException {
    JsonToken begin = parser.currentToken();
    if (begin == null) {
      return MissingNode.getInstance();
    }
    parser.skipChildren();
    return switch (begin) {
      case START_ARRAY -> JSON.createArrayNode();
      case START_OBJECT -> JSON.createObjectNode();
      default -> JSON.readTree(parser);
    };
  }

  /** The text of a field; empty if it is absent or null. */
  Optional<String> text(String field) {
    return value(field)
        .map(
            value -> {
              if (!value.isTextual()) {
                throw Texts.malformed(field, shown(value) + " (expected: text)");
              }
              return value.textValue();
            });
  }

  /** Whether a field says true; absent and null say no. */
  boolean isTrue(String field) {
    return value(field)
        .map(
            value -> {
              if (!value.isBoolean()) {
                throw Texts.malformed(field, shown(value) + " (expected: true or false)");
              }
              return value.booleanValue();
            })
        .orElse(false);
  }

  /** Whether a field is there and not null. */
  boolean has(String field) {
    return value(field).isPresent();
  }

  /** The list of texts that a field holds; empty if it is absent or null. */
  Optional<List<String>> texts(String field) {
    return value(field).map(value -> texts(field, value));
  }

  /** As {@link #texts}, where a single text stands for a list of one. */
  Optional<List<String>> textOrTexts(String field) {
    return value(field)
        .map(value -> value.isTextual() ? List.of(value.textValue()) : texts(field, value));
  }

  /** As {@link #texts}; what is null in the list is empty. */
  Optional<List<Optional<String>>> textsOrNulls(String field) {
    return value(field)
        .map(
            value -> {
              requireList(field, value);
              List<Optional<String>> texts = new ArrayList<>();
              for (int i = 0; i < value.size(); i++) {
                texts.add(
                    value.get(i).isNull()
                        ? Optional.empty()
                        : Optional.of(text(field, i, value.get(i))));
              }
              return texts;
            });
  }

  private Optional<JsonNode> value(String field) {
    return Optional.ofNullable(object.get(field)).filter(value -> !value.isNull());
  }

  private static List<String> texts(String field, JsonNode value) {
    requireList(field, value);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      texts.add(text(field, i, value.get(i)));
    }
    return texts;
  }

  private static void requireList(String field, JsonNode value) {
    if (!value.isArray()) {
      throw Texts.malformed(field, shown(value) + " (expected: a list of texts)");
    }
  }

  private static String text(String field, int index, JsonNode value) {
    if (!value.isTextual()) {
      throw Texts.malformed("%s[%d]".formatted(field, index), shown(value) + " (expected: text)");
    }
    return value.textValue();
  }

  /** A text may be a prompt that stands where none belongs: its length is told. */
  private static String shown(JsonNode value) {
    if (value.isTextual()) {
      return PlainWords.kind(value.textValue());
    }
    return value.isContainerNode() || value.isMissingNode()
        ? value.getNodeType().name().toLowerCase(Locale.ROOT)
        : Texts.asLine(value.toString(), SHOWN_CHARACTERS);
  }
}
