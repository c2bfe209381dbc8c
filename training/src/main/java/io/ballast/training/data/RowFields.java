package io.ballast.training.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.inference.chat.ChatMessage;
import io.ballast.kit.call.Texts;
import io.ballast.kit.redaction.JsonFlaw;
import io.ballast.kit.redaction.PlainWords;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The fields of a row, each as what it should be, or what is wrong with it. */
final class RowFields {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final int SHOWN_CHARACTERS = 40;

  private final JsonNode json;
  private final RowLimits limits;

  private RowFields(JsonNode json, RowLimits limits) {
    this.json = json;
    this.limits = limits;
  }

  /** Returns the fields of a line. */
  static RowFields of(String line, RowLimits limits) throws BadRowException {
    return new RowFields(object(line), limits);
  }

  /** Whether the row has one of these fields. */
  boolean has(String... fields) {
    for (String field : fields) {
      if (json.has(field)) {
        return true;
      }
    }
    return false;
  }

  /** Returns what a field holds, whatever that is. */
  JsonNode node(String field) {
    return json.path(field);
  }

  /**
   * Returns where the row comes from: user, annotator, time and policy_version, if it says them.
   */
  Source source(long row) throws BadRowException {
    return new Source(row, name("user"), name("annotator"), time(), name("policy_version"));
  }

  /** Returns how much the row counts; 1 if it does not say. */
  double weight() throws BadRowException {
    double weight = json.has("weight") ? number("weight") : 1;
    if (!(weight > 0)) {
      throw new BadRowException("weight: " + weight + " (expected: > 0)");
    }
    return weight;
  }

  /** Returns by how much the one of a pair is to have more than the other; 0 if it does not say. */
  double margin() throws BadRowException {
    double margin = json.has("margin") ? number("margin") : 0;
    if (margin < 0) {
      throw new BadRowException("margin: " + margin + " (expected: ≥ 0)");
    }
    return margin;
  }

  /** Returns a yes or no. */
  boolean yesOrNo(String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (!node.isBoolean()) {
      throw new BadRowException(
          node.isMissingNode()
              ? field + ": missing (expected: true or false)"
              : field + ": " + shown(node) + " (expected: true or false)");
    }
    return node.booleanValue();
  }

  /** Two completions of one prompt, not empty and not the same. */
  record TwoCompletions(PromptText prompt, String first, String second) {}

  /**
   * Returns the two completions that stand in these fields, and their prompt: its own field, or
   * what both begin with.
   */
  TwoCompletions two(String first, String second) throws BadRowException {
    Optional<String> promptField = either("prompt", "input");
    Turns one = turns(first);
    Turns other = turns(second);
    PromptText prompt;
    if (promptField.isPresent()) {
      prompt = prompt(turns(promptField.get()));
    } else if (one.getClass() != other.getClass()) {
      throw new BadRowException(
          first
              + " and "
              + second
              + ": a text and messages (expected: both texts or both messages)");
    } else {
      int shared = Turns.shared(one, other);
      prompt = prompt(one.first(shared));
      one = one.after(shared);
      other = other.after(shared);
    }
    TwoCompletions two =
        new TwoCompletions(prompt, completion(first, one), completion(second, other));
    if (two.first().equals(two.second())) {
      throw new BadRowException(first + " and " + second + " are the same text");
    }
    return two;
  }

  /** Returns the prompt of a row with one completion. */
  PromptText prompt() throws BadRowException {
    Optional<String> field = either("prompt", "input");
    if (field.isEmpty()) {
      throw new BadRowException("prompt: missing (expected: a text or messages)");
    }
    return prompt(turns(field.get()));
  }

  /** Returns the only completion of a row. */
  String completion() throws BadRowException {
    String field = either("completion", "response").orElseThrow();
    return completion(field, turns(field));
  }

  private static PromptText prompt(Turns turns) {
    return switch (turns) {
      case Turns.Text text -> new PromptText.Plain(text.text());
      case Turns.Messages messages when messages.messages().isEmpty() -> new PromptText.Plain("");
      case Turns.Messages messages -> new PromptText.Dialogue(messages.messages());
    };
  }

  private static String completion(String field, Turns turns) throws BadRowException {
    String text =
        switch (turns) {
          case Turns.Text plain -> plain.text();
          case Turns.Messages messages -> {
            if (messages.messages().size() != 1) {
              throw new BadRowException(
                  "%s: %d messages beyond the prompt (expected: one, the model's)"
                      .formatted(field, messages.messages().size()));
            }
            yield messages.messages().getFirst().content();
          }
        };
    if (text.isEmpty()) {
      throw new BadRowException(field + ": empty (expected: at least one character)");
    }
    return text;
  }

  private Turns turns(String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (node.isTextual()) {
      return new Turns.Text(text(field, node.textValue()));
    }
    if (!node.isArray()) {
      throw new BadRowException(
          node.isMissingNode()
              ? field + ": missing (expected: a text or messages)"
              : field + ": " + shown(node) + " (expected: a text or messages)");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (int i = 0; i < node.size(); i++) {
      String at = field + "[" + i + "]";
      JsonNode role = node.path(i).path("role");
      JsonNode content = node.path(i).path("content");
      if (!role.isTextual() || !content.isTextual()) {
        throw new BadRowException(
            at + ": " + shown(node.path(i)) + " (expected: {\"role\": text, \"content\": text})");
      }
      messages.add(
          new ChatMessage(
              text(at + ".role", role.textValue()), text(at + ".content", content.textValue())));
    }
    return new Turns.Messages(messages);
  }

  private String text(String field, String text) throws BadRowException {
    String flaw = Texts.encodingFlaw(text);
    if (flaw != null) {
      throw new BadRowException(field + ": " + flaw);
    }
    int bytes = Texts.utf8Bytes(text);
    if (bytes > limits.maxTextBytes()) {
      throw new BadRowException(
          "%s: %,d bytes, limit %,d".formatted(field, bytes, limits.maxTextBytes()));
    }
    return text;
  }

  private static JsonNode object(String line) throws BadRowException {
    try {
      JsonNode json = JSON.readTree(line);
      if (json.isObject()) {
        return json;
      }
      throw new BadRowException(shown(json) + " (expected: a JSON object)");
    } catch (JsonProcessingException e) {
      throw new BadRowException(
          "column %d: not JSON: %s"
              .formatted(
                  e.getLocation() == null ? 0 : e.getLocation().getColumnNr(), JsonFlaw.of(e)));
    }
  }

  /** Returns which of two names for the same thing the row uses, if any. */
  private Optional<String> either(String name, String otherName) throws BadRowException {
    if (json.has(name) && json.has(otherName)) {
      throw new BadRowException("both " + name + " and " + otherName + " (expected: one of them)");
    }
    return json.has(name)
        ? Optional.of(name)
        : json.has(otherName) ? Optional.of(otherName) : Optional.empty();
  }

  private String name(String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return "";
    }
    if (node.isTextual() || node.isIntegralNumber()) {
      return node.asText();
    }
    throw new BadRowException(field + ": " + shown(node) + " (expected: a text)");
  }

  private Optional<Instant> time() throws BadRowException {
    JsonNode node = json.path("time");
    if (node.isMissingNode() || node.isNull()) {
      return Optional.empty();
    }
    try {
      return Optional.of(OffsetDateTime.parse(node.asText()).toInstant());
    } catch (DateTimeException e) {
      throw new BadRowException(
          "time: " + shown(node) + " (expected: such as 2026-11-27T09:30:00Z)");
    }
  }

  double number(String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw new BadRowException(
          node.isMissingNode()
              ? field + ": missing (expected: a number)"
              : field + ": " + shown(node) + " (expected: a finite number)");
    }
    return node.doubleValue();
  }

  static String shown(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> PlainWords.shown(node.textValue());
      case NUMBER, BOOLEAN -> Texts.asLine(node.asText(), SHOWN_CHARACTERS);
      case OBJECT, POJO -> "an object";
      case ARRAY -> "a list";
      case NULL -> "null";
      case MISSING, BINARY -> "nothing";
    };
  }
}
