package io.ballast.training.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.inference.chat.ChatMessage;
import io.ballast.kit.call.Texts;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes a judgement of a row.
 *
 * <p>A pair has {@code chosen} and {@code rejected}; {@code prompt} (or {@code input}), {@code
 * margin}, {@code weight}, {@code user}, {@code annotator}, {@code time} (of the judgement, ISO
 * 8601 with a zone) and {@code policy_version} may be absent. Texts are strings, or messages {@code
 * [{"role": "…", "content": "…"}]}, of which the last of a completion is what the model said.
 * Without a prompt it is what both completions begin with: whole messages, or the text up to the
 * last white space before they differ, so that no word is cut.
 *
 * <p>A grade has {@code completion} (or {@code response}) and one of {@code label} (a yes or no, or
 * 1 and 0), {@code rating} with {@code minimum} and {@code maximum}, or {@code reaction}: {@code
 * LOVE} is 1 and every other reaction, {@code NONE} among them, is 0, as RLUF trains P[Love].
 *
 * <p>Source: the preference, implicit-prompt and unpaired formats of TRL and the reward data of
 * OpenRLHF; Han et al. 2025 (RLUF), arXiv:2505.14946.
 */
final class JudgementRow {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final List<String> REACTIONS = List.of("LOVE", "LIKE", "DISLIKE", "NONE");
  private static final int SHOWN_CHARACTERS = 40;
  private static final int MESSAGE_CHARACTERS = 160;

  private final RowLimits limits;

  JudgementRow(RowLimits limits) {
    this.limits = limits;
  }

  Judgement parse(long row, String line) throws BadRowException {
    JsonNode json = object(line);
    Source source =
        new Source(
            row,
            name(json, "user"),
            name(json, "annotator"),
            time(json),
            name(json, "policy_version"));
    double weight = json.has("weight") ? number(json, "weight") : 1;
    if (!(weight > 0)) {
      throw new BadRowException("weight: " + weight + " (expected: > 0)");
    }
    boolean pair = json.has("chosen") || json.has("rejected");
    boolean graded = json.has("completion") || json.has("response");
    if (pair == graded) {
      throw new BadRowException(
          pair
              ? "both a pair and a grade (expected: chosen and rejected, or completion)"
              : "neither chosen and rejected nor completion");
    }
    return pair ? pair(json, weight, source) : grade(json, weight, source);
  }

  private Judgement pair(JsonNode json, double weight, Source source) throws BadRowException {
    double margin = json.has("margin") ? number(json, "margin") : 0;
    if (margin < 0) {
      throw new BadRowException("margin: " + margin + " (expected: ≥ 0)");
    }
    Optional<String> promptField = either(json, "prompt", "input");
    Turns chosen = turns(json, "chosen");
    Turns rejected = turns(json, "rejected");
    PromptText prompt;
    if (promptField.isPresent()) {
      prompt = prompt(turns(json, promptField.get()));
    } else {
      int shared = Turns.shared(chosen, rejected);
      prompt = prompt(chosen.first(shared));
      chosen = chosen.after(shared);
      rejected = rejected.after(shared);
    }
    String better = completion("chosen", chosen);
    String other = completion("rejected", rejected);
    if (better.equals(other)) {
      throw new BadRowException("chosen and rejected are the same text");
    }
    return new Judgement.Pair(prompt, better, other, margin, weight, source);
  }

  private Judgement grade(JsonNode json, double weight, Source source) throws BadRowException {
    String field = either(json, "completion", "response").orElseThrow();
    Optional<String> promptField = either(json, "prompt", "input");
    if (promptField.isEmpty()) {
      throw new BadRowException("prompt: missing (expected: a text or messages)");
    }
    return new Judgement.Grade(
        prompt(turns(json, promptField.get())),
        completion(field, turns(json, field)),
        gradeOf(json),
        weight,
        source);
  }

  private static double gradeOf(JsonNode json) throws BadRowException {
    List<String> given = new ArrayList<>();
    for (String field : List.of("label", "rating", "reaction")) {
      if (json.has(field)) {
        given.add(field);
      }
    }
    if (given.size() != 1) {
      throw new BadRowException(
          "%s (expected: one of label, rating, reaction)"
              .formatted(given.isEmpty() ? "no grade" : "grades " + given));
    }
    return switch (given.getFirst()) {
      case "label" -> label(json.path("label"));
      case "rating" -> rating(json);
      default -> reaction(json.path("reaction"));
    };
  }

  private static double label(JsonNode label) throws BadRowException {
    if (label.isBoolean()) {
      return label.booleanValue() ? 1 : 0;
    }
    if (label.isNumber() && (label.doubleValue() == 0 || label.doubleValue() == 1)) {
      return label.doubleValue();
    }
    throw new BadRowException("label: " + shown(label) + " (expected: true, false, 1 or 0)");
  }

  private static double rating(JsonNode json) throws BadRowException {
    double least = number(json, "minimum");
    double most = number(json, "maximum");
    double rating = number(json, "rating");
    if (!(least < most) || rating < least || rating > most) {
      throw new BadRowException(
          "rating: %s of %s to %s (expected: minimum ≤ rating ≤ maximum)"
              .formatted(rating, least, most));
    }
    double grade = rating / (most - least) - least / (most - least); // no overflow at the extremes
    if (!Double.isFinite(grade)) {
      throw new BadRowException(
          "rating: %s of %s to %s (expected: a scale whose width is a number)"
              .formatted(rating, least, most));
    }
    return Math.clamp(grade, 0, 1);
  }

  private static double reaction(JsonNode reaction) throws BadRowException {
    if (!reaction.isTextual() || !REACTIONS.contains(reaction.textValue())) {
      throw new BadRowException(
          "reaction: %s (expected: one of %s)".formatted(shown(reaction), REACTIONS));
    }
    return reaction.textValue().equals("LOVE") ? 1 : 0;
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

  private Turns turns(JsonNode json, String field) throws BadRowException {
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
              .formatted(e.getLocation() == null ? 0 : e.getLocation().getColumnNr(), plain(e)));
    }
  }

  private static String plain(JsonProcessingException e) {
    String message = String.valueOf(e.getOriginalMessage());
    int lineEnd = message.indexOf('\n');
    return Texts.asLine(lineEnd < 0 ? message : message.substring(0, lineEnd), MESSAGE_CHARACTERS);
  }

  /** Returns which of two names for the same thing the row uses, if any. */
  private static Optional<String> either(JsonNode json, String name, String otherName)
      throws BadRowException {
    if (json.has(name) && json.has(otherName)) {
      throw new BadRowException("both " + name + " and " + otherName + " (expected: one of them)");
    }
    return json.has(name)
        ? Optional.of(name)
        : json.has(otherName) ? Optional.of(otherName) : Optional.empty();
  }

  private static String name(JsonNode json, String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return "";
    }
    if (node.isTextual() || node.isIntegralNumber()) {
      return node.asText();
    }
    throw new BadRowException(field + ": " + shown(node) + " (expected: a text)");
  }

  private static Optional<Instant> time(JsonNode json) throws BadRowException {
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

  private static double number(JsonNode json, String field) throws BadRowException {
    JsonNode node = json.path(field);
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw new BadRowException(
          node.isMissingNode()
              ? field + ": missing (expected: a number)"
              : field + ": " + shown(node) + " (expected: a finite number)");
    }
    return node.doubleValue();
  }

  private static String shown(JsonNode node) {
    return Texts.asLine(node.toString(), SHOWN_CHARACTERS);
  }
}
