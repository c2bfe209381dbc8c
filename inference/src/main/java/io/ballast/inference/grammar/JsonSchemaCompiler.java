package io.ballast.inference.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.ballast.inference.text.CallerJson;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Turns a JSON schema into the language of documents that satisfy it, written in one way: on one
 * line, at most one space after each comma and colon, an object's properties in the schema's order
 * and no others. Each such document is valid under the schema; not each valid document is written
 * so. Numbers have bounded length, so that every document can end.
 *
 * <p>Known keywords: {@code type} (one or several), {@code enum}, {@code const}, {@code anyOf},
 * {@code $ref} into the document, {@code $defs} and {@code definitions}; for objects {@code
 * properties}, {@code required}, {@code additionalProperties: false}; for arrays {@code items},
 * {@code minItems}, {@code maxItems}; for strings {@code minLength}, {@code maxLength}, {@code
 * pattern}; for integers {@code minimum}, {@code maximum} and their exclusive forms, unless {@code
 * number} is a type too. Titles and other remarks are passed over. Anything else is refused by
 * name, recursion too. Source of the keywords' meaning: JSON Schema, draft 2020-12.
 */
final class JsonSchemaCompiler {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_PROPERTIES = 100;
  private static final int MAX_COUNT = 10_000;
  private static final int MAX_BOUND = 999_999_999;
  private static final int UNBOUNDED = Integer.MAX_VALUE;

  private static final Set<String> REMARKS =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly");

  private static final Set<String> OF_OBJECTS =
      Set.of("properties", "required", "additionalProperties");
  private static final Set<String> OF_ARRAYS = Set.of("items", "minItems", "maxItems");
  private static final Set<String> OF_STRINGS = Set.of("minLength", "maxLength", "pattern");
  private static final Set<String> OF_INTEGERS =
      Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");

  private static final Set<String> TYPES =
      Set.of("object", "array", "string", "integer", "number", "boolean", "null");

  /** What a string may contain as it is. */
  private static final int[] UNESCAPED = {' ', '!', '#', '[', ']', Character.MAX_CODE_POINT};

  private final JsonNode root;
  private final Languages languages;
  private final Deque<String> references = new ArrayDeque<>();
  private int depth;

  private JsonSchemaCompiler(JsonNode root, Languages languages) {
    this.languages = languages;
    this.root = root;
  }

  /**
   * Returns the language of {@code schema}.
   *
   * @throws IllegalArgumentException naming the keyword that is wrong or not known, by its path
   */
  static Automaton compile(String schema, Languages languages) {
    JsonNode root = CallerJson.read(schema);
    return new JsonSchemaCompiler(root, languages).language("$", root);
  }

  private Automaton language(String path, JsonNode schema) {
    if (!schema.isObject()) {
      throw flaw(path, "%s is no schema that says what to write (expected: an object)", schema);
    }
    if (++depth > MAX_DEPTH) {
      throw flaw(path, "nested more than %d deep", MAX_DEPTH);
    }
    Automaton language = ofKeywords(path, schema);
    depth--;
    return language;
  }

  private Automaton ofKeywords(String path, JsonNode schema) {
    if (schema.has("$ref")) {
      requireOnly(path, schema, Set.of("$ref"), "beside $ref");
      return referenced(path + ".$ref", schema.get("$ref"));
    }
    if (schema.has("const")) {
      requireOnly(path, schema, Set.of("const", "type"), "beside const");
      JsonNode value = schema.get("const");
      Set<String> types = types(path, schema);
      if (!isOf(types, value)) {
        throw flaw(path + ".const", "%s is of no allowed type (%s)", value, listed(types));
      }
      return value(path + ".const", value);
    }
    if (schema.has("enum")) {
      requireOnly(path, schema, Set.of("enum", "type"), "beside enum");
      Set<String> types = types(path, schema);
      List<String> values = new ArrayList<>();
      for (JsonNode value : array(path + ".enum", schema.get("enum"))) {
        if (isOf(types, value)) {
          values.add(written(path + ".enum", value.toString()));
        }
      }
      if (values.isEmpty()) {
        throw flaw(path + ".enum", "none is of an allowed type (%s)", listed(types));
      }
      return languages.oneOf(values);
    }
    if (schema.has("anyOf")) {
      requireOnly(path, schema, Set.of("anyOf"), "beside anyOf");
      List<Automaton> either = new ArrayList<>();
      JsonNode schemas = array(path + ".anyOf", schema.get("anyOf"));
      for (int i = 0; i < schemas.size(); i++) {
        either.add(language(path + ".anyOf[" + i + "]", schemas.get(i)));
      }
      return languages.choice(either);
    }
    return ofTypes(path, schema);
  }

  private Automaton ofTypes(String path, JsonNode schema) {
    Set<String> types = types(path, schema);
    if (types.isEmpty()) {
      requireKnown(path, schema);
      throw flaw(path + ".type", "missing (expected: a type, or enum, const, anyOf or $ref)");
    }
    Set<String> allowed = new HashSet<>(Set.of("type"));
    List<Automaton> either = new ArrayList<>();
    for (String each : types) {
      allowed.addAll(
          switch (each) {
            case "object" -> OF_OBJECTS;
            case "array" -> OF_ARRAYS;
            case "string" -> OF_STRINGS;
            case "integer" -> OF_INTEGERS;
            default -> Set.of();
          });
    }
    if (types.contains("number")) {
      allowed.removeAll(OF_INTEGERS); // they would bound the other numbers as well
    }
    requireOnly(path, schema, allowed, "for " + String.join(", ", types));
    for (String each : types) {
      either.add(
          switch (each) {
            case "object" -> object(path, schema);
            case "array" -> list(path, schema);
            case "string" -> string(path, schema);
            case "integer" -> integer(path, schema);
            case "number" -> number();
            case "boolean" -> languages.choice(Languages.text("true"), Languages.text("false"));
            default -> Languages.text("null");
          });
    }
    return languages.choice(either);
  }

  /** The types that a schema names, in its order; none if it leaves them open. */
  private static Set<String> types(String path, JsonNode schema) {
    JsonNode type = schema.path("type");
    Set<String> types = new LinkedHashSet<>();
    for (JsonNode each : type.isArray() ? array(path + ".type", type) : List.of(type)) {
      if (each.isTextual() && TYPES.contains(each.textValue())) {
        types.add(each.textValue());
      } else if (!each.isMissingNode()) {
        throw flaw(path + ".type", "%s is no type of JSON", each);
      }
    }
    return types;
  }

  private static String listed(Set<String> types) {
    return String.join(", ", types);
  }

  private static boolean isOf(Set<String> types, JsonNode value) {
    if (types.isEmpty()) {
      return true;
    }
    if (value.isNumber()) {
      return types.contains("number") || (types.contains("integer") && isWhole(value));
    }
    return types.contains(value.getNodeType().name().toLowerCase(Locale.ROOT));
  }

  /** 1.0 is an integer too. */
  private static boolean isWhole(JsonNode number) {
    return number.decimalValue().stripTrailingZeros().scale() <= 0;
  }

  private Automaton referenced(String path, JsonNode reference) {
    String pointer = reference.asText();
    if (!pointer.equals("#") && !pointer.startsWith("#/")) {
      throw flaw(path, "%s leads out of the document (expected: #/…)", reference);
    }
    if (references.contains(pointer)) {
      throw flaw(path, "%s is recursive, which is not supported", reference);
    }
    JsonNode target = root.at(pointer.substring(1));
    if (target.isMissingNode()) {
      throw flaw(path, "%s is not in the document", reference);
    }
    if (target == root) {
      throw flaw(path, "%s is recursive, which is not supported", reference);
    }
    references.push(pointer);
    Automaton language = language(pointer, target);
    references.pop();
    return language;
  }

  private static Automaton value(String path, JsonNode value) {
    return text(path, value.toString());
  }

  private static Automaton text(String path, String text) {
    return Languages.text(written(path, text));
  }

  private static String written(String path, String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw flaw(path, "half of a pair of UTF-16, which no text can hold");
    }
    return text;
  }

  private Automaton object(String path, JsonNode schema) {
    JsonNode additional = schema.path("additionalProperties");
    if (!additional.isMissingNode() && !(additional.isBoolean() && !additional.booleanValue())) {
      throw flaw(
          path + ".additionalProperties", "%s is not supported (expected: false)", additional);
    }
    JsonNode properties = schema.path("properties");
    if (!properties.isMissingNode() && !properties.isObject()) {
      throw flaw(path + ".properties", "%s (expected: an object)", properties);
    }
    if (properties.size() > MAX_PROPERTIES) {
      throw flaw(
          path + ".properties", "%d (expected: at most %d)", properties.size(), MAX_PROPERTIES);
    }
    Set<String> required = new HashSet<>();
    JsonNode names = schema.path("required");
    if (!names.isMissingNode() && !names.isArray()) {
      throw flaw(path + ".required", "%s (expected: an array of names)", names);
    }
    for (JsonNode name : names) {
      if (!name.isTextual() || !properties.has(name.textValue())) {
        throw flaw(path + ".required", "%s is not among the properties", name);
      }
      required.add(name.textValue());
    }
    List<Automaton> members = new ArrayList<>();
    BitSet always = new BitSet();
    for (Map.Entry<String, JsonNode> property : properties.properties()) {
      String name = property.getKey();
      always.set(members.size(), required.contains(name));
      members.add(
          languages.sequence(
              text(path + ".properties", TextNode.valueOf(name) + ":"),
              space(),
              language(path + ".properties." + name, property.getValue())));
    }
    Automaton comma = languages.sequence(Languages.text(","), space());
    return languages.sequence(
        Languages.text("{"), languages.members(members, comma, always), Languages.text("}"));
  }

  private Automaton list(String path, JsonNode schema) {
    if (!schema.has("items")) {
      throw flaw(path + ".items", "missing: what the array holds");
    }
    Automaton item = language(path + ".items", schema.get("items"));
    int least = count(path, schema, "minItems", 0);
    int most = count(path, schema, "maxItems", -1);
    requireOrder(path + ".maxItems", least, most);
    Automaton items;
    if (most == 0) {
      items = Languages.empty();
    } else {
      Automaton further =
          languages.repeat(
              languages.sequence(Languages.text(","), space(), item),
              Math.max(0, least - 1),
              most < 0 ? -1 : most - 1);
      Automaton some = languages.sequence(item, further);
      items = least == 0 ? languages.optional(some) : some;
    }
    return languages.sequence(Languages.text("["), items, Languages.text("]"));
  }

  private Automaton string(String path, JsonNode schema) {
    int least = count(path, schema, "minLength", 0);
    int most = count(path, schema, "maxLength", -1);
    requireOrder(path + ".maxLength", least, most);
    Automaton content;
    if (schema.has("pattern")) {
      Automaton plain = languages.repeat(Languages.character(UNESCAPED), least, most);
      content = languages.both(pattern(path + ".pattern", schema.get("pattern")), plain);
    } else {
      content = languages.repeat(stringCharacter(), least, most);
    }
    return languages.sequence(Languages.text("\""), content, Languages.text("\""));
  }

  /** A pattern is searched for in a string, unless it is anchored. */
  private Automaton pattern(String path, JsonNode pattern) {
    if (!pattern.isTextual()) {
      throw flaw(path, "%s (expected: a string)", pattern);
    }
    RegexParser.Parsed parsed;
    try {
      parsed = RegexParser.parse(pattern.textValue(), languages);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
    }
    Automaton anything = languages.repeat(Languages.any(), 0, -1);
    return languages.sequence(
        parsed.begins() ? Languages.empty() : anything,
        parsed.body(),
        parsed.ends() ? Languages.empty() : anything);
  }

  /** One character of a string, escaped or not; no half of a pair. */
  private Automaton stringCharacter() {
    Automaton hex = Languages.character('0', '9', 'A', 'F', 'a', 'f');
    Automaton whole =
        languages.choice(
            languages.sequence(
                Languages.character('0', '9', 'A', 'C', 'E', 'F', 'a', 'c', 'e', 'f'), hex),
            languages.sequence(
                Languages.character('D', 'D', 'd', 'd'), Languages.character('0', '7')));
    return languages.choice(
        Languages.character(UNESCAPED),
        languages.sequence(
            Languages.text("\\"),
            Languages.character(
                '"', '"', '/', '/', '\\', '\\', 'b', 'b', 'f', 'f', 'n', 'n', 'r', 'r', 't', 't')),
        languages.sequence(Languages.text("\\u"), whole, hex, hex));
  }

  /** An integer of at most 18 digits, which a long holds. */
  private Automaton integer(String path, JsonNode schema) {
    int from =
        Math.max(
            bound(path, schema, "minimum", -UNBOUNDED, 0),
            bound(path, schema, "exclusiveMinimum", -UNBOUNDED, 1));
    int to =
        Math.min(
            bound(path, schema, "maximum", UNBOUNDED, 0),
            bound(path, schema, "exclusiveMaximum", UNBOUNDED, -1));
    if (from > to) {
      throw flaw(path, "no integer lies between minimum and maximum");
    }
    List<Automaton> parts = new ArrayList<>();
    Automaton natural = natural(18);
    if (to >= 0) {
      parts.add(interval(Math.max(0, from), to, natural));
    }
    if (from < 0) {
      parts.add(
          languages.sequence(
              Languages.text("-"), interval(Math.max(1, -Math.min(to, 0)), -from, natural)));
    }
    return languages.choice(parts);
  }

  /** The numbers from one bound to another, the latter perhaps none. */
  private Automaton interval(int from, int to, Automaton natural) {
    Automaton bounded =
        languages.both(Automata.makeDecimalInterval(from, Math.min(to, MAX_BOUND), 0), natural);
    if (to != UNBOUNDED) {
      return bounded;
    }
    Automaton digit = Languages.character('0', '9');
    Automaton longer =
        languages.sequence(Languages.character('1', '9'), languages.repeat(digit, 9, 17));
    return languages.choice(bounded, longer);
  }

  private Automaton natural(int digits) {
    return languages.choice(
        Languages.text("0"),
        languages.sequence(
            Languages.character('1', '9'),
            languages.repeat(Languages.character('0', '9'), 0, digits - 1)));
  }

  private Automaton number() {
    Automaton digit = Languages.character('0', '9');
    return languages.sequence(
        languages.optional(Languages.text("-")),
        natural(15),
        languages.optional(languages.sequence(Languages.text("."), languages.repeat(digit, 1, 15))),
        languages.optional(
            languages.sequence(
                Languages.character('E', 'E', 'e', 'e'),
                languages.optional(Languages.character('+', '+', '-', '-')),
                languages.repeat(digit, 1, 2))));
  }

  private Automaton space() {
    return languages.optional(Languages.text(" "));
  }

  private static int bound(
      String path, JsonNode schema, String keyword, int otherwise, int inwards) {
    JsonNode bound = schema.path(keyword);
    if (bound.isMissingNode()) {
      return otherwise;
    }
    if (!bound.isIntegralNumber() || Math.abs(bound.doubleValue() + inwards) > MAX_BOUND) {
      throw flaw(
          path + "." + keyword,
          "%s (expected: an integer from -999,999,999 to 999,999,999)",
          bound);
    }
    return bound.intValue() + inwards;
  }

  private static int count(String path, JsonNode schema, String keyword, int otherwise) {
    JsonNode count = schema.path(keyword);
    if (count.isMissingNode()) {
      return otherwise;
    }
    if (!count.isIntegralNumber()
        || !count.canConvertToInt()
        || count.intValue() < 0
        || count.intValue() > MAX_COUNT) {
      throw flaw(path + "." + keyword, "%s (expected: 0 to 10,000)", count);
    }
    return count.intValue();
  }

  private static void requireOrder(String path, int least, int most) {
    if (most >= 0 && most < least) {
      throw flaw(path, "%d is below the least, %d", most, least);
    }
  }

  private static JsonNode array(String path, JsonNode node) {
    if (!node.isArray() || node.isEmpty()) {
      throw flaw(path, "%s (expected: an array of at least one)", node);
    }
    return node;
  }

  private static void requireKnown(String path, JsonNode schema) {
    Set<String> known = new HashSet<>(Set.of("type", "enum", "const", "anyOf", "$ref"));
    List.of(OF_OBJECTS, OF_ARRAYS, OF_STRINGS, OF_INTEGERS).forEach(known::addAll);
    requireOnly(path, schema, known, "");
  }

  private static void requireOnly(String path, JsonNode schema, Set<String> allowed, String where) {
    for (Iterator<String> names = schema.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!allowed.contains(name) && !REMARKS.contains(name)) {
        throw flaw(
            path + "." + name,
            "not supported %s (supported: %s)",
            where,
            String.join(", ", new TreeSet<>(allowed)));
      }
    }
  }

  private static IllegalArgumentException flaw(String path, String what, Object... values) {
    return new IllegalArgumentException(
        path + ": " + what.formatted(values).replace("supported  (", "supported ("));
  }
}
