package io.ballast.inference.grammar;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every text of a schema's grammar is a document that satisfies the schema. */
class JsonSchemaGrammarTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String PERSON =
      """
      {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "someone",
       "type": "object", "additionalProperties": false, "required": ["name"],
       "properties": {
         "name": {"type": "string", "minLength": 1, "maxLength": 5},
         "age": {"type": "integer", "minimum": 0, "maximum": 130},
         "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
         "height": {"type": ["number", "null"]}}}
      """;

  private static boolean matches(String schema, String document) {
    return Grammar.jsonSchema(schema).matches(document);
  }

  @Test
  void anObjectHasItsPropertiesInOrderAndTheRequiredOnesAtLeast() {
    assertThat(matches(PERSON, "{\"name\":\"Jo\"}")).isTrue();
    assertThat(matches(PERSON, "{\"name\": \"Jo\", \"age\": 3, \"tags\": [\"a\", \"b\"]}"))
        .isTrue();
    assertThat(matches(PERSON, "{\"name\":\"Jo\",\"height\":-1.5e3}")).isTrue();
    assertThat(matches(PERSON, "{\"name\":\"Jo\",\"height\":null}")).isTrue();
    assertThat(matches(PERSON, "{}")).isFalse();
    assertThat(matches(PERSON, "{\"age\":3}")).isFalse();
    assertThat(matches(PERSON, "{\"age\":3,\"name\":\"Jo\"}"))
        .isFalse(); // valid, written otherwise
    assertThat(matches(PERSON, "{\"name\":\"Jo\",}")).isFalse();
    assertThat(matches(PERSON, "{\"name\":\"Jo\",\"other\":1}")).isFalse();
    assertThat(matches(PERSON, "{\"name\":\"Jo\",\"tags\":[\"a\",\"b\",\"a\"]}")).isFalse();
  }

  @Test
  void optionalPropertiesNeverLeaveACommaBehind() {
    String schema =
        """
        {"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"]}
        """;
    List<String> all =
        List.of(
            "{\"b\":2}",
            "{\"a\":1,\"b\":2}",
            "{\"b\":2,\"c\":3}",
            "{\"a\":1,\"b\":2,\"c\":3}",
            "{\"a\":1}",
            "{\"b\":2,}",
            "{,\"b\":2}",
            "{}");
    for (int i = 0; i < all.size(); i++) {
      assertThat(matches(schema, all.get(i))).as(all.get(i)).isEqualTo(i < 4);
    }
  }

  @Test
  void integersKeepTheirBounds() {
    for (int[] bounds : new int[][] {{0, 130}, {-7, 12}, {-30, -5}, {9, 9}, {-1, 0}}) {
      Grammar grammar =
          Grammar.jsonSchema(
              "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}"
                  .formatted(bounds[0], bounds[1]));
      for (int i = -200; i <= 200; i++) {
        assertThat(grammar.matches("" + i)).isEqualTo(i >= bounds[0] && i <= bounds[1]);
      }
      assertThat(grammar.matches("007")).isFalse();
      assertThat(grammar.matches("-0")).isFalse();
    }
    String over = "{\"type\":\"integer\",\"exclusiveMinimum\":5}";
    assertThat(matches(over, "5")).isFalse();
    assertThat(matches(over, "6")).isTrue();
    assertThat(matches(over, "123456789012345678")).isTrue();
    assertThat(matches(over, "1234567890123456789")).isFalse(); // no long need hold it
    assertThat(matches(over, "-6")).isFalse();
    assertThat(matches("{\"type\":\"integer\",\"exclusiveMaximum\":0}", "-12345678901")).isTrue();
    assertThat(matches("{\"type\":\"integer\"}", "0")).isTrue();
  }

  @Test
  void stringsCountCharactersNotTheirEscapes() {
    String two = "{\"type\":\"string\",\"minLength\":2,\"maxLength\":2}";
    for (String good : List.of("ab", "é🎈", "\\n\\\"", "\\u00e9a", "a\\\\")) {
      assertThat(matches(two, "\"" + good + "\"")).as(good).isTrue();
    }
    for (String bad : List.of("a", "abc", "a\"", "a\n", "\\ud83ca", "\\xa", "a\\")) {
      assertThat(matches(two, "\"" + bad + "\"")).as(bad).isFalse();
    }
  }

  @Test
  void aPatternIsSearchedForUnlessItIsAnchored() {
    assertThat(matches("{\"type\":\"string\",\"pattern\":\"b+\"}", "\"abbc\"")).isTrue();
    assertThat(matches("{\"type\":\"string\",\"pattern\":\"^b+$\"}", "\"abbc\"")).isFalse();
    assertThat(matches("{\"type\":\"string\",\"pattern\":\"^b+$\"}", "\"bb\"")).isTrue();
    assertThat(matches("{\"type\":\"string\",\"pattern\":\"^.$\",\"minLength\":1}", "\"\"\""))
        .isFalse();
  }

  @Test
  void referencesAndEitherOrAreFollowed() {
    String schema =
        """
        {"$defs":{"point":{"type":"array","items":{"$ref":"#/$defs/n"},"minItems":2,"maxItems":2},
                  "n":{"type":"integer"}},
         "anyOf":[{"$ref":"#/$defs/point"},{"type":"null"},{"const":{"a":[1,"x"]}},{"type":"boolean"}]}
        """;
    for (String good : List.of("[1,2]", "[1, -2]", "null", "{\"a\":[1,\"x\"]}", "true")) {
      assertThat(matches(schema, good)).as(good).isTrue();
    }
    for (String bad : List.of("[1]", "[1,2,3]", "[]", "nul", "{\"a\":[1]}", "[1,2] ")) {
      assertThat(matches(schema, bad)).as(bad).isFalse();
    }
  }

  @Test
  void valuesOfAnotherTypeAreLeftOutOfAnEnum() {
    String schema = "{\"type\":\"integer\",\"enum\":[\"a\",1,2.0,2.5,null]}";
    assertThat(matches(schema, "1")).isTrue();
    assertThat(matches(schema, "2.0")).isTrue(); // an integer to JSON Schema
    for (String other : List.of("\"a\"", "2.5", "null")) {
      assertThat(matches(schema, other)).as(other).isFalse();
    }
    assertThat(matches("{\"type\":\"number\",\"const\":1}", "1")).isTrue();
    assertThat(matches("{\"type\":\"object\",\"const\":{}}", "{}")).isTrue();
  }

  @Test
  void numbersAreWrittenAsTheyAreHoweverLargeOrLong() {
    assertThat(matches("{\"const\":1e400}", "1E+400")).isTrue();
    assertThat(matches("{\"const\":1e400}", "\"Infinity\"")).isFalse();
    for (String number : List.of("0.1234567890123456789012345", "1.50", "100.0")) {
      assertThat(matches("{\"const\":" + number + "}", number)).as(number).isTrue();
    }
  }

  @Test
  void arraysKeepTheirLength() {
    for (int least = 0; least <= 3; least++) {
      for (int most = -1; most <= 3; most++) {
        if (most >= 0 && most < least) {
          continue;
        }
        Grammar grammar =
            Grammar.jsonSchema(
                "{\"type\":\"array\",\"items\":{\"const\":0},\"minItems\":%d%s}"
                    .formatted(least, most < 0 ? "" : ",\"maxItems\":" + most));
        for (int n = 0; n < 6; n++) {
          String document = "[" + String.join(",", java.util.Collections.nCopies(n, "0")) + "]";
          assertThat(grammar.matches(document)).isEqualTo(n >= least && (most < 0 || n <= most));
        }
      }
    }
  }

  /** Walks the machine at random until it may end. */
  private static String walk(ByteMachine machine, SplittableRandom random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int state = machine.start();
    while (!machine.finished(state)) {
      if (machine.accepting(state) && random.nextInt(3) == 0) {
        break;
      }
      List<Integer> possible = new ArrayList<>();
      for (int next = 0; next < 256; next++) {
        if (machine.step(state, next) != ByteMachine.DEAD) {
          possible.add(next);
        }
      }
      assertThat(possible).isNotEmpty();
      int next = possible.get(random.nextInt(possible.size()));
      bytes.write(next);
      state = machine.step(state, next);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whateverIsDrawnIsADocumentThatSatisfiesTheSchema() throws JsonProcessingException {
    ByteMachine machine = Grammar.jsonSchema(PERSON).machine();
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 300; i++) {
      JsonNode document = JSON.readTree(walk(machine, random));
      String name = document.get("name").textValue();
      assertThat(name.codePointCount(0, name.length())).isBetween(1, 5);
      assertThat(document.path("age").asInt(0)).isBetween(0, 130);
      assertThat(document.path("tags").size()).isBetween(0, 2);
      assertThat(document.size()).isLessThanOrEqualTo(4);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '→',
      quoteCharacter = '`',
      value = {
        "{\"type\":\"string\",\"format\":\"date\"} → json_schema: $.format: not supported for string (supported: maxLength, minLength, pattern, type)",
        "{\"oneOf\":[{}]} → json_schema: $.oneOf: not supported (supported: $ref, additionalProperties, anyOf, const, enum, exclusiveMaximum, exclusiveMinimum, items, maxItems, maxLength, maximum, minItems, minLength, minimum, pattern, properties, required, type)",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"multipleOf\":2}}} → json_schema: $.properties.a.multipleOf: not supported for integer (supported: exclusiveMaximum, exclusiveMinimum, maximum, minimum, type)",
        "{\"$ref\":\"#\"} → json_schema: $.$ref: \"#\" is recursive, which is not supported",
        "{\"$defs\":{\"a\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/a\"}}},\"$ref\":\"#/$defs/a\"} → json_schema: #/$defs/a.items.$ref: \"#/$defs/a\" is recursive, which is not supported",
        "{\"$ref\":\"#/nowhere\"} → json_schema: $.$ref: \"#/nowhere\" is not in the document",
        "{\"$ref\":\"other.json\"} → json_schema: $.$ref: \"other.json\" leads out of the document (expected: #/…)",
        "{} → json_schema: $.type: missing (expected: a type, or enum, const, anyOf or $ref)",
        "true → json_schema: $: true is no schema that says what to write (expected: an object)",
        "{\"type\":[\"integer\",\"number\"],\"minimum\":5} → json_schema: $.minimum: not supported for integer, number (supported: type)",
        "{\"type\":\"string\",\"const\":5} → json_schema: $.const: 5 is of no allowed type (string)",
        "{\"type\":\"integer\",\"const\":1.5} → json_schema: $.const: 1.5 is of no allowed type (integer)",
        "{\"type\":[\"integer\",\"null\"],\"enum\":[\"a\",true]} → json_schema: $.enum: none is of an allowed type (integer, null)",
        "{\"type\":\"whole\",\"enum\":[1]} → json_schema: $.type: \"whole\" is no type of JSON",
        "{\"type\":[\"string\",5]} → json_schema: $.type: 5 is no type of JSON",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},\"required\":\"a\"} → json_schema: $.required: \"a\" (expected: an array of names)",
        "{\"type\":\"object\",\"properties\":{\"1\":{\"type\":\"null\"}},\"required\":[1]} → json_schema: $.required: 1 is not among the properties",
        "{\"const\":[\"\\ud800\"]} → json_schema: $.const: half of a pair of UTF-16, which no text can hold",
        "{\"enum\":[\"a\",\"\\udc00x\"]} → json_schema: $.enum: half of a pair of UTF-16, which no text can hold",
        "{\"type\":\"object\",\"properties\":{\"\\ud800\":{\"type\":\"null\"}}} → json_schema: $.properties: half of a pair of UTF-16, which no text can hold",
        "{\"type\":\"string\",\"pattern\":5} → json_schema: $.pattern: 5 (expected: a string)",
        "{\"type\":\"string\",\"minLength\":1.5} → json_schema: $.minLength: 1.5 (expected: 0 to 10,000)",
        "{\"type\":\"text\"} → json_schema: $.type: \"text\" is no type of JSON",
        "{\"type\":\"array\"} → json_schema: $.items: missing: what the array holds",
        "{\"type\":\"object\",\"additionalProperties\":true} → json_schema: $.additionalProperties: true is not supported (expected: false)",
        "{\"type\":\"object\",\"required\":[\"x\"]} → json_schema: $.required: \"x\" is not among the properties",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2} → json_schema: $.maxLength: 2 is below the least, 3",
        "{\"type\":\"string\",\"maxLength\":-1} → json_schema: $.maxLength: -1 (expected: 0 to 10,000)",
        "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4} → json_schema: $: no integer lies between minimum and maximum",
        "{\"type\":\"integer\",\"minimum\":0.5} → json_schema: $.minimum: 0.5 (expected: an integer from -999,999,999 to 999,999,999)",
        "{\"type\":\"integer\",\"exclusiveMinimum\":999999999} → json_schema: $.exclusiveMinimum: 999999999 (expected: an integer from -999,999,999 to 999,999,999)",
        "{\"type\":\"string\",\"pattern\":\"(a\"} → json_schema: $.pattern: character 3: a ( without its )",
        "{\"enum\":[]} → json_schema: $.enum: [] (expected: an array of at least one)",
        "{\"type\":\"string\",\"pattern\":\"^\\\"$\"} → json_schema: no text matches, so that none could ever end",
      })
  void whatIsNotSupportedIsNamedWithItsPath(String schema, String message) {
    assertThatThrownBy(() -> Grammar.jsonSchema(schema))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void theValuesOfALongEnumShareTheirBeginningsAndEnds() {
    String values =
        IntStream.range(0, 4_000).mapToObj(i -> "\"v%d\"".formatted(i)).collect(joining(","));
    Grammar grammar =
        Grammar.jsonSchema(
            "{\"enum\":[%s,null,7,\"%s\",\"é𝄞\",7]}".formatted(values, "x".repeat(1_200)));
    assertThat(grammar.states()).isLessThan(1_300); // the long one's, and some
    for (String text : List.of("\"v0\"", "\"v3999\"", "null", "7", "\"é𝄞\"")) {
      assertThat(grammar.matches(text)).as(text).isTrue();
    }
    assertThat(grammar.matches("\"" + "x".repeat(1_200) + "\"")).isTrue();
    for (String text : List.of("\"v4000\"", "\"v\"", "77", "\"é\"", "\"x\"")) {
      assertThat(grammar.matches(text)).as(text).isFalse();
    }
  }

  @Test
  void whatIsNoJsonIsRefused() {
    assertThatThrownBy(() -> Grammar.jsonSchema("{\"type\":"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("json_schema: not JSON: ");
    assertThatThrownBy(() -> Grammar.jsonSchema("{\"type\":\"null\",\"type\":\"string\"}"))
        .hasMessage("json_schema: not JSON: Duplicate field 'type' (line 1, column 22)");
    assertThatThrownBy(() -> Grammar.jsonSchema("{\"minimum\":NaN}"))
        .hasMessage("json_schema: not JSON: Non-standard token 'NaN' (line 1, column 15)");
  }

  @Test
  void aSchemaOfTooManyStatesIsRefused() {
    assertThatThrownBy(() -> Grammar.jsonSchema("{\"type\":\"string\",\"maxLength\":10000}"))
        .hasMessageStartingWith("json_schema: too complex: ");
    String deep =
        "{\"type\":\"array\",\"items\":".repeat(80) + "{\"type\":\"null\"}" + "}".repeat(80);
    assertThatThrownBy(() -> Grammar.jsonSchema(deep))
        .hasMessageEndingWith("nested more than 64 deep");
  }
}
