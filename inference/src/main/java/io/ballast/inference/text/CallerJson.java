package io.ballast.inference.text;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import java.util.regex.Pattern;

/**
 * JSON that a caller wrote: each name once in an object, nothing after the end, numbers as they
 * stand there. What is wrong is told by its place, in words that mean something to the caller.
 */
public final class CallerJson {
  /** Where the parser goes on with its own settings, or with the whole text. */
  private static final Pattern ADVICE =
      Pattern.compile(
          "(: enable `|: maybe a | \\(start marker at | \\(bound as ).*", Pattern.DOTALL);

  private static final Pattern SETTING = Pattern.compile(", from `[^`]*`");

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .configure(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES, false);

  private CallerJson() {}

  /**
   * Reads {@code json}.
   *
   * @return a node that is missing if there is nothing but space
   * @throws IllegalArgumentException if it is no JSON; the message begins with {@code not JSON: }
   */
  public static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not JSON: " + flaw(e), e);
    }
  }

  private static String flaw(JsonProcessingException e) {
    String said = SETTING.matcher(e.getOriginalMessage()).replaceAll("");
    JsonLocation at = e.getLocation();
    return ADVICE.matcher(said).replaceAll("")
        + (at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr()));
  }
}
