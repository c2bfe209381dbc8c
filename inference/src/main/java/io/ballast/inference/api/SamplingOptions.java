package io.ballast.inference.api;

import java.util.List;

/**
 * How the next token is drawn.
 *
 * @param temperature 0 takes the likeliest token (greedy); else 0.01 to 10, logits are divided by
 *     it
 * @param topK draws only from the {@code topK} likeliest tokens, ≥ 1; 0 means all
 * @param topP draws only from the smallest set of likeliest tokens whose probability reaches {@code
 *     topP}, in (0, 1]; 1 means all; applied after {@code topK}
 * @param maxNewTokens the most tokens of a completion, 1 to 4,096
 * @param stopStrings a completion ends before the first of these, at most 16, none empty
 * @param seed the same request with the same seed on the same weights draws the same tokens
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    int maxNewTokens,
    List<String> stopStrings,
    long seed) {

  public static final double MAX_TEMPERATURE = 10;
  public static final int MAX_NEW_TOKENS = 4_096;
  public static final int MAX_STOP_STRINGS = 16;

  public SamplingOptions {
    require(
        temperature == 0 || (temperature >= 0.01 && temperature <= MAX_TEMPERATURE),
        "temperature: " + temperature + " (expected: 0, or 0.01 to 10)");
    require(topK >= 0, "top_k: " + topK + " (expected: ≥ 0; 0 means all)");
    require(topP > 0 && topP <= 1, "top_p: " + topP + " (expected: > 0 and ≤ 1)");
    require(
        maxNewTokens >= 1 && maxNewTokens <= MAX_NEW_TOKENS,
        "max_new_tokens: " + maxNewTokens + " (expected: 1 to 4,096)");
    stopStrings = List.copyOf(stopStrings);
    require(
        stopStrings.size() <= MAX_STOP_STRINGS,
        "stop_strings: " + stopStrings.size() + " (expected: at most 16)");
    require(stopStrings.stream().noneMatch(String::isEmpty), "stop_strings: one is empty");
  }

  /** Greedy decoding of at most {@code maxNewTokens} tokens, to the end of text. */
  public static SamplingOptions greedy(int maxNewTokens) {
    return new SamplingOptions(0, 0, 1, maxNewTokens, List.of(), 0);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
