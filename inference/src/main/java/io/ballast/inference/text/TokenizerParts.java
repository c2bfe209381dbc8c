package io.ballast.inference.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Parts of a tokenizer.json over which the Hugging Face library ends the whole process, at once or
 * at some later text, because it takes them to be as its own builders make them.
 */
final class TokenizerParts {
  private static final String PREFIX = "continuing_subword_prefix";
  private static final String CHARACTERS = "precompiled_charsmap";

  private static final String NOTHING = "takes nothing for something to replace";

  /** Nothing, and words, lines and what is neither beside each other and at the ends. */
  private static final List<String> TEXTS = List.of("", "a", ".", "\n", "a B\n1é.. \n\na");

  private TokenizerParts() {}

  /** What is wrong with an object of the file, after where it stands; null if nothing is. */
  static @Nullable String flaw(JsonNode object) {
    return Stream.<Function<JsonNode, @Nullable String>>of(
            TokenizerParts::merges,
            TokenizerParts::templates,
            TokenizerParts::characters,
            TokenizerParts::beginning,
            TokenizerParts::replacement,
            TokenizerParts::length)
        .map(part -> part.apply(object))
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /** What a merge adds is cut off its second part at the prefix's length, whatever stands there. */
  private static @Nullable String merges(JsonNode model) {
    String prefix = model.path(PREFIX).asText("");
    if (!model.path(PREFIX).isTextual() || prefix.isEmpty()) {
      return null;
    }
    JsonNode merges = model.path("merges");
    for (int i = 0; i < merges.size(); i++) {
      JsonNode merge = merges.get(i);
      String text = merge.asText();
      String second =
          merge.isArray() ? merge.path(1).asText() : text.substring(text.lastIndexOf(' ') + 1);
      if (!second.startsWith(prefix)) {
        return ".merges["
            + i
            + "]: the second part has no "
            + PREFIX
            + ", which is "
            + prefix.length()
            + " characters long";
      }
    }
    return null;
  }

  private static @Nullable String templates(JsonNode processor) {
    if (!processor.path("type").asText().equals("TemplateProcessing")) {
      return null;
    }
    JsonNode special = processor.path("special_tokens");
    for (Map.Entry<String, JsonNode> token : special.properties()) {
      if (token.getValue().path("ids").size() != token.getValue().path("tokens").size()) {
        return ".special_tokens: one has more ids than tokens, or fewer";
      }
    }
    for (String template : List.of("single", "pair")) {
      JsonNode pieces = processor.path(template);
      for (int i = 0; i < pieces.size(); i++) {
        String flaw = piece(template, pieces.get(i), special);
        if (flaw != null) {
          return "." + template + "[" + i + "]: " + flaw;
        }
      }
    }
    return null;
  }

  private static @Nullable String piece(String template, JsonNode piece, JsonNode special) {
    if (piece.has("SpecialToken") && !special.has(piece.path("SpecialToken").path("id").asText())) {
      return "a token that is not among special_tokens";
    }
    if (template.equals("single")
        && piece.has("Sequence")
        && !piece.path("Sequence").path("id").asText().equals("A")) {
      return "a sequence that a single text does not have (expected: A)";
    }
    return null;
  }

  private static @Nullable String characters(JsonNode normalizer) {
    boolean precompiled = normalizer.path("type").asText().equals("Precompiled");
    JsonNode map = normalizer.path(CHARACTERS);
    if (!precompiled && !map.isTextual()) {
      return null;
    }
    String flaw = map.isTextual() ? CharacterMap.flaw(map.textValue()) : "no text";
    return flaw == null ? null : "." + CHARACTERS + ": " + flaw;
  }

  private static @Nullable String beginning(JsonNode normalizer) {
    return normalizer.path("type").asText().equals("Prepend")
            && normalizer.path("prepend").asText("-").isEmpty()
        ? ".prepend: nothing"
        : null;
  }

  /** What is put in where nothing stood counts for no byte of the text that it was read from. */
  private static @Nullable String replacement(JsonNode normalizer) {
    JsonNode pattern = normalizer.path("pattern");
    if (!normalizer.path("type").asText().equals("Replace")) {
      return null;
    }
    String flaw =
        pattern.path("Regex").isTextual()
            ? taking(pattern.path("Regex").textValue())
            : pattern.path("String").asText("-").isEmpty() ? NOTHING : null;
    return flaw == null ? null : ".pattern: " + flaw;
  }

  /**
   * Whether a pattern may take nothing is looked for in an engine whose time is linear and that has
   * no looking around: what takes nothing somewhere does so in one of these texts.
   */
  private static @Nullable String taking(String regex) {
    try {
      Pattern pattern = Pattern.compile(regex);
      for (String text : TEXTS) {
        Matcher found = pattern.matcher(text);
        while (found.find()) {
          if (found.start() == found.end()) {
            return NOTHING;
          }
        }
      }
      return null;
    } catch (PatternSyntaxException e) {
      return "a way to write it that RE2 has not: " + e.getDescription();
    }
  }

  private static @Nullable String length(JsonNode splitter) {
    return splitter.path("type").asText().equals("FixedLength")
            && splitter.path("length").isNumber()
            && splitter.path("length").asDouble() < 1
        ? ".length: " + splitter.path("length") + " (expected: at least 1)"
        : null;
  }
}
