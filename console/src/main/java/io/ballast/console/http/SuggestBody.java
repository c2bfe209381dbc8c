package io.ballast.console.http;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.console.grpc.SuggestQuestion;
import io.ballast.console.grpc.SuggestQuestion.Gate;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.JsonFlaw;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The JSON of "try a suggestion", read strictly: a wrong key or type is named. */
final class SuggestBody {
  private static final List<String> KEYS =
      List.of(
          "prompt",
          "model",
          "version",
          "temperature",
          "max_new_tokens",
          "candidates_count",
          "seed",
          "gate_mode",
          "with_reward",
          "with_cost");
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private final JsonNode body;

  private SuggestBody(JsonNode body) {
    this.body = body;
  }

  /**
   * Reads {@code bytes}, JSON in UTF-8.
   *
   * @throws MeshException MALFORMED_REQUEST, naming what is wrong
   */
  static SuggestQuestion read(byte[] bytes) {
    JsonNode tree = parse(decode(bytes));
    if (!tree.isObject()) {
      throw malformed("body", "%s (expected: an object)".formatted(kind(tree)));
    }
    for (Iterator<String> names = tree.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!KEYS.contains(name)) {
        throw malformed(name, "unknown (known: %s)".formatted(String.join(", ", KEYS)));
      }
    }
    SuggestBody body = new SuggestBody(tree);
    return new SuggestQuestion(
        body.text("prompt").orElseThrow(() -> malformed("prompt", "missing (expected: text)")),
        body.text("model"),
        body.text("version"),
        body.number("temperature"),
        body.integer("max_new_tokens"),
        body.integer("candidates_count"),
        body.seed(),
        body.gate(),
        body.flag("with_reward"),
        body.flag("with_cost"));
  }

  /** Strictly: nobody is asked about a prompt other than the one that was sent. */
  private static String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw malformed("body", "not UTF-8 (expected: JSON in UTF-8)");
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation(); // none where a limit was passed, such as of nesting
      throw malformed(
          "body",
          at == null
              ? "no JSON: " + JsonFlaw.of(e)
              : "no JSON at line %d, column %d: %s"
                  .formatted(at.getLineNr(), at.getColumnNr(), JsonFlaw.of(e)));
    }
  }

  private Optional<String> text(String name) {
    return given(name)
        .map(
            node -> {
              require(node.isTextual(), name, node, "text");
              String flaw = Texts.encodingFlaw(node.textValue());
              if (flaw != null) { // protobuf would send a question mark instead
                throw malformed(name, flaw);
              }
              return node.textValue();
            });
  }

  private OptionalDouble number(String name) {
    return given(name)
        .map(
            node -> {
              require(node.isNumber(), name, node, "a number");
              return OptionalDouble.of(node.doubleValue());
            })
        .orElse(OptionalDouble.empty());
  }

  private OptionalInt integer(String name) {
    return given(name)
        .map(
            node -> {
              require(
                  node.isIntegralNumber() && node.canConvertToInt(), name, node, "a whole number");
              return OptionalInt.of(node.intValue());
            })
        .orElse(OptionalInt.empty());
  }

  /** A seed has 64 bits, more than a number of JavaScript: it may come as text, as it is shown. */
  private OptionalLong seed() {
    return given("seed")
        .map(
            node -> {
              String expected = "a whole number of 64 bits, or one as text";
              if (node.isTextual()) {
                try {
                  return OptionalLong.of(Long.parseLong(node.textValue().strip()));
                } catch (NumberFormatException e) {
                  throw malformed(
                      "seed", "'%s' (expected: %s)".formatted(node.textValue(), expected));
                }
              }
              require(node.isIntegralNumber() && node.canConvertToLong(), "seed", node, expected);
              return OptionalLong.of(node.longValue());
            })
        .orElse(OptionalLong.empty());
  }

  private Optional<Gate> gate() {
    return text("gate_mode")
        .map(
            mode ->
                Arrays.stream(Gate.values())
                    .filter(gate -> gate.name().equals(mode))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            malformed(
                                "gate_mode",
                                "'%s' (expected: ENFORCE, SHADOW or OFF)".formatted(mode))));
  }

  private boolean flag(String name) {
    return given(name)
        .map(
            node -> {
              require(node.isBoolean(), name, node, "true or false");
              return node.booleanValue();
            })
        .orElse(false);
  }

  private Optional<JsonNode> given(String name) {
    return Optional.ofNullable(body.get(name)).filter(node -> !node.isNull());
  }

  private static void require(boolean holds, String field, JsonNode node, String expected) {
    if (!holds) {
      throw malformed(field, "%s (expected: %s)".formatted(kind(node), expected));
    }
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "a list";
      case BOOLEAN, NUMBER -> node.asText();
      case MISSING, NULL -> "nothing";
      case OBJECT -> "an object";
      case STRING, BINARY, POJO -> "text";
    };
  }

  private static MeshException malformed(String field, String what) {
    return new MeshException(Fault.MALFORMED_REQUEST, field + ": " + what, Map.of("field", field));
  }
}
