package io.ballast.policy.grpc;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.text.CallerJson;
import io.ballast.kit.call.Texts;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.core.SamplingChoice;
import java.math.BigDecimal;

/**
 * Reads what clients of Triton's vLLM back end send as {@code sampling_parameters}: a JSON object
 * whose numbers may be written as texts. A name that is not known here, or there twice, is refused.
 */
final class SamplingParameters {
  /** The longest number that is read, in characters. */
  private static final int MOST_DIGITS = 64;

  private static final String INPUT = "sampling_parameters";

  private SamplingParameters() {}

  /**
   * The choice that {@code json} makes; nothing is chosen by an empty text.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the parameter
   */
  static SamplingChoice read(String json, SamplingOptions.Builder options) {
    if (!json.isBlank()) {
      JsonNode root = parse(json);
      if (!root.isObject()) {
        throw Texts.malformed(INPUT, "not a JSON object");
      }
      root.properties().forEach(entry -> set(options, entry.getKey(), entry.getValue()));
    }
    return CallMapper.sampling(options.build());
  }

  private static JsonNode parse(String json) {
    try {
      return CallerJson.read(json);
    } catch (IllegalArgumentException e) {
      throw Texts.malformed(INPUT, String.valueOf(e.getMessage()));
    }
  }

  private static void set(SamplingOptions.Builder options, String name, JsonNode value) {
    switch (name) {
      case "temperature" -> options.setTemperature(number(name, value).doubleValue());
      case "top_p" -> options.setTopP(number(name, value).doubleValue());
      case "min_p" -> options.setMinP(number(name, value).doubleValue());
      case "top_k" -> options.setTopK(topK(name, value));
      case "max_tokens" -> options.setMaxNewTokens(integer(name, value));
      case "min_tokens" -> options.setMinNewTokens(integer(name, value));
      case "seed" -> options.setSeed(whole(name, value));
      case "repetition_penalty" -> options.setRepetitionPenalty(number(name, value).doubleValue());
      case "presence_penalty" -> options.setPresencePenalty(number(name, value).doubleValue());
      case "frequency_penalty" -> options.setFrequencyPenalty(number(name, value).doubleValue());
      case "n" -> {
        if (integer(name, value) != 1) {
          throw malformed(name, value + " (expected: 1; send as many requests)");
        }
      }
      case "logprobs" -> {
        if (integer(name, value) != 0) {
          throw malformed(name, value + " (expected: 0: of the token drawn alone)");
        }
      }
      case "stop" -> {
        if (value.isTextual()) {
          options.addStopStrings(value.textValue());
        } else if (value.isArray()) {
          value.forEach(each -> options.addStopStrings(text(name, each)));
        } else {
          throw malformed(name, value + " (expected: a text, or a list of texts)");
        }
      }
      case "stop_token_ids" -> {
        if (!value.isArray()) {
          throw malformed(name, value + " (expected: a list of numbers)");
        }
        value.forEach(each -> options.addStopTokenIds(integer(name, each)));
      }
      default ->
          throw malformed(
              name,
              "unknown here (expected: temperature, top_p, min_p, top_k, max_tokens, min_tokens,"
                  + " seed, repetition_penalty, presence_penalty, frequency_penalty, n,"
                  + " logprobs, stop, stop_token_ids)");
    }
  }

  private static String text(String name, JsonNode value) {
    if (!value.isTextual()) {
      throw malformed(name, value + " (expected: a text)");
    }
    return value.textValue();
  }

  /** There, −1 means all, which is 0 here. */
  private static int topK(String name, JsonNode value) {
    int topK = integer(name, value);
    if (topK < -1) {
      throw malformed(name, topK + " (expected: >= 0; 0 and -1 mean all)");
    }
    return Math.max(0, topK);
  }

  private static BigDecimal number(String name, JsonNode value) {
    try {
      String text = value.asText();
      if (text.length() > MOST_DIGITS) { // reading takes time that grows with their square
        throw malformed(name, "%,d characters (expected: a number)".formatted(text.length()));
      }
      if (value.isNumber() || value.isTextual()) {
        return new BigDecimal(text);
      }
    } catch (NumberFormatException e) {
      throw malformed(name, value + " (expected: a number)");
    }
    throw malformed(name, value + " (expected: a number)");
  }

  private static int integer(String name, JsonNode value) {
    try {
      return number(name, value).intValueExact();
    } catch (ArithmeticException e) {
      throw malformed(name, value + " (expected: a whole number of 32 bits)");
    }
  }

  private static long whole(String name, JsonNode value) {
    try {
      return number(name, value).longValueExact();
    } catch (ArithmeticException e) {
      throw malformed(name, value + " (expected: a whole number of 64 bits)");
    }
  }

  private static RuntimeException malformed(String name, String flaw) {
    return Texts.malformed(INPUT + "." + name, flaw);
  }
}
