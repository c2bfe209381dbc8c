package io.ballast.inference.brought;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.Pooling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The JSON of a {@link BroughtManifest}. Every field that is not known is refused: a default in
 * place of what somebody wrote would score otherwise than they meant.
 */
final class BroughtManifestJson {
  private static final String FORMAT = "ballast-brought-reward";
  private static final ObjectMapper JSON = new ObjectMapper();

  private BroughtManifestJson() {}

  static BroughtManifest parse(String text) throws JsonProcessingException {
    JsonNode json = JSON.readTree(text);
    if (!json.path("format").asText().equals(FORMAT)) {
      throw new IllegalArgumentException(
          "format: " + shown(json.path("format")) + " (expected: \"" + FORMAT + "\")");
    }
    requireKnown(json, "", "format", "members");
    List<BroughtMember> members = new ArrayList<>();
    JsonNode list = json.path("members");
    for (int k = 0; k < list.size(); k++) {
      members.add(member(list.path(k), "members[" + k + "]."));
    }
    return new BroughtManifest(members);
  }

  private static BroughtMember member(JsonNode json, String at) {
    requireKnown(
        json,
        at,
        "model",
        "version",
        "sha256",
        "input",
        "pooling",
        "score",
        "scale",
        "max_tokens",
        "triton");
    return within(
        at,
        () ->
            new BroughtMember(
                folder(json, at, "model"),
                folder(json, at, "version"),
                json.has("sha256") ? Optional.of(text(json, at, "sha256")) : Optional.empty(),
                input(json.path("input"), at + "input."),
                pooling(json.path("pooling"), at),
                score(json.path("score"), at + "score."),
                flag(json.path("scale"), at + "scale.", "lower_is_better", false),
                scale(json.path("scale"), at + "scale."),
                maxTokens(json, at),
                json.has("triton")
                    ? Optional.of(triton(json.path("triton"), at + "triton."))
                    : Optional.empty()));
  }

  /** What names the folder; empty where there is none because a Triton computes the member. */
  private static String folder(JsonNode json, String at, String field) {
    boolean none = json.has("triton") && !json.has("model") && !json.has("version");
    return none ? "" : text(json, at, field);
  }

  private static TritonModel triton(JsonNode json, String at) {
    requireKnown(json, at, "model", "version", "text", "ids", "mask", "output");
    if (json.has("text") == json.has("ids")) {
      throw new IllegalArgumentException(
          "%s%s (expected: the tensor that a row goes into, as text or as ids)"
              .formatted(at, json.has("text") ? "text: beside ids" : "text: absent"));
    }
    if (json.has("mask") && !json.has("ids")) {
      throw new IllegalArgumentException(at + "mask: without ids (expected: none)");
    }
    return new TritonModel(
        text(json, at, "model"),
        text(json, at, "version"),
        json.has("text")
            ? new TritonModel.RowTensors.Text(text(json, at, "text"))
            : new TritonModel.RowTensors.Ids(
                text(json, at, "ids"),
                json.has("mask") ? Optional.of(text(json, at, "mask")) : Optional.empty()),
        text(json, at, "output"));
  }

  private static MemberInput input(JsonNode json, String at) {
    String form = text(json, at, "form");
    return switch (form) {
      case MemberInput.Chat.FORM -> {
        requireKnown(json, at, "form", "special_tokens");
        yield new MemberInput.Chat(flag(json, at, "special_tokens", false));
      }
      case MemberInput.Template.FORM -> {
        requireKnown(json, at, "form", "template", "special_tokens");
        yield within(
            at,
            () ->
                new MemberInput.Template(
                    text(json, at, "template"), flag(json, at, "special_tokens", true)));
      }
      case MemberInput.Tokens.FORM -> {
        requireKnown(json, at, "form");
        yield new MemberInput.Tokens();
      }
      default ->
          throw new IllegalArgumentException(
              at + "form: \"" + form + "\" (expected: chat, template or tokens)");
    };
  }

  private static Optional<Pooling> pooling(JsonNode json, String at) {
    if (json.isMissingNode()) {
      return Optional.empty();
    }
    return Optional.of(
        Pooling.ofCode(json.asText())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "%spooling: %s (expected: one of %s, or none where the model does it)"
                            .formatted(
                                at,
                                shown(json),
                                Arrays.stream(Pooling.values())
                                    .map(Pooling::code)
                                    .collect(Collectors.joining(", "))))));
  }

  private static ScoreReading score(JsonNode json, String at) {
    String kind = text(json, at, "kind");
    return switch (kind) {
      case ScoreReading.Logit.KIND -> {
        requireKnown(json, at, "kind", "label");
        yield new ScoreReading.Logit(
            json.has("label") ? label(json, at) : new LabelReference.Index(0));
      }
      case ScoreReading.LogOdds.KIND -> {
        requireKnown(json, at, "kind", "label");
        yield new ScoreReading.LogOdds(label(json, at));
      }
      case ScoreReading.ExpectedRating.KIND -> {
        requireKnown(json, at, "kind", "ratings");
        List<Double> ratings = new ArrayList<>();
        JsonNode list = json.path("ratings");
        for (int i = 0; i < list.size(); i++) {
          ratings.add(number(list.path(i), at + "ratings[" + i + "]"));
        }
        yield within(at, () -> new ScoreReading.ExpectedRating(ratings));
      }
      default ->
          throw new IllegalArgumentException(
              at + "kind: \"" + kind + "\" (expected: logit, log_odds or expected_rating)");
    };
  }

  private static LabelReference label(JsonNode json, String at) {
    JsonNode label = json.path("label");
    if (label.isInt()) {
      return within(at, () -> new LabelReference.Index(label.asInt()));
    }
    if (label.isTextual()) {
      return new LabelReference.Name(label.asText());
    }
    throw new IllegalArgumentException(
        at + "label: " + shown(label) + " (expected: an index or a name)");
  }

  private static Normalization scale(JsonNode json, String at) {
    requireKnown(json, at, "mean", "std", "lower_is_better");
    return within(
        at,
        () ->
            new Normalization(
                json.has("mean") ? number(json.path("mean"), at + "mean") : 0,
                json.has("std") ? number(json.path("std"), at + "std") : 1));
  }

  private static OptionalInt maxTokens(JsonNode json, String at) {
    JsonNode node = json.path("max_tokens");
    if (node.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!node.isInt()) {
      throw new IllegalArgumentException(
          at + "max_tokens: " + shown(node) + " (expected: a whole number)");
    }
    return OptionalInt.of(node.asInt());
  }

  static String text(BroughtManifest manifest) throws JsonProcessingException {
    ObjectNode json = JSON.createObjectNode();
    json.put("format", FORMAT);
    ArrayNode members = json.putArray("members");
    manifest.members().forEach(member -> put(members.addObject(), member));
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
  }

  private static void put(ObjectNode json, BroughtMember member) {
    if (member.hasFolder()) {
      json.put("model", member.model());
      json.put("version", member.version());
    }
    member.triton().ifPresent(triton -> put(json.putObject("triton"), triton));
    member.sha256().ifPresent(sum -> json.put("sha256", sum));
    ObjectNode input = json.putObject("input");
    input.put("form", member.input().form());
    switch (member.input()) {
      case MemberInput.Chat(boolean special) -> input.put("special_tokens", special);
      case MemberInput.Template(String template, boolean special) ->
          input.put("template", template).put("special_tokens", special);
      case MemberInput.Tokens() -> {}
    }
    member.pooling().ifPresent(way -> json.put("pooling", way.code()));
    ObjectNode score = json.putObject("score");
    score.put("kind", member.score().kind());
    switch (member.score()) {
      case ScoreReading.Logit(LabelReference label) -> put(score, label);
      case ScoreReading.LogOdds(LabelReference label) -> put(score, label);
      case ScoreReading.ExpectedRating(List<Double> ratings) ->
          ratings.forEach(score.putArray("ratings")::add);
    }
    json.putObject("scale")
        .put("mean", member.scale().mean())
        .put("std", member.scale().std())
        .put("lower_is_better", member.lowerIsBetter());
    member.maxTokens().ifPresent(most -> json.put("max_tokens", most));
  }

  private static void put(ObjectNode json, TritonModel triton) {
    json.put("model", triton.model()).put("version", triton.version());
    switch (triton.input()) {
      case TritonModel.RowTensors.Text(String text) -> json.put("text", text);
      case TritonModel.RowTensors.Ids(String ids, Optional<String> mask) -> {
        json.put("ids", ids);
        mask.ifPresent(name -> json.put("mask", name));
      }
    }
    json.put("output", triton.output());
  }

  private static void put(ObjectNode score, LabelReference label) {
    switch (label) {
      case LabelReference.Index(int index) -> score.put("label", index);
      case LabelReference.Name(String name) -> score.put("label", name);
    }
  }

  private interface Part<T> {
    T read();
  }

  /** Puts where it is before what a record says of its own field. */
  private static <T> T within(String at, Part<T> part) {
    try {
      return part.read();
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(at) || message.startsWith("members")
          ? e
          : new IllegalArgumentException(at + message, e);
    }
  }

  private static void requireKnown(JsonNode json, String at, String... known) {
    for (String name : new TreeSet<>(json.properties().stream().map(p -> p.getKey()).toList())) {
      if (!List.of(known).contains(name)) {
        throw new IllegalArgumentException(
            at + name + ": no such field (expected: " + String.join(", ", known) + ")");
      }
    }
  }

  private static double number(JsonNode node, String field) {
    if (!node.isNumber()) {
      throw new IllegalArgumentException(field + ": " + shown(node) + " (expected: a number)");
    }
    return node.asDouble();
  }

  private static boolean flag(JsonNode json, String at, String field, boolean absent) {
    JsonNode node = json.path(field);
    if (!node.isMissingNode() && !node.isBoolean()) {
      throw new IllegalArgumentException(
          at + field + ": " + shown(node) + " (expected: true or false)");
    }
    return node.asBoolean(absent);
  }

  private static String text(JsonNode json, String at, String field) {
    JsonNode node = json.path(field);
    if (!node.isTextual() || node.asText().isEmpty()) {
      throw new IllegalArgumentException(at + field + ": " + shown(node) + " (expected: a text)");
    }
    return node.asText();
  }

  private static String shown(JsonNode node) {
    return node.isMissingNode() ? "absent" : node.toString();
  }
}
