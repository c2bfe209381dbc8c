package io.ballast.inference.api;

import io.ballast.inference.grammar.Grammar;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How the next token is drawn. What each field does to the logits, and in which order, stands in
 * the module's README.
 *
 * @param temperature 0 takes the likeliest token (greedy); else 0.01 to 10, logits are divided by
 *     it
 * @param topK draws only from the {@code topK} likeliest tokens, ≥ 1; 0 means all
 * @param topP draws only from the smallest set of likeliest tokens whose probability reaches {@code
 *     topP}, in (0, 1]; 1 means all; applied after {@code topK}
 * @param minP draws only from tokens at least {@code minP} times as likely as the likeliest, in [0,
 *     1]; 0 means all
 * @param repetitionPenalty divides positive logits and multiplies negative ones of each token that
 *     prompt or completion contain, 0.01 to 10; 1 changes nothing
 * @param presencePenalty is taken from the logit of each token that the completion contains, −2 to
 *     2; 0 changes nothing
 * @param frequencyPenalty is taken from a token's logit for each time that the completion contains
 *     it, −2 to 2; 0 changes nothing
 * @param logitBias is added to the logits of these token ids, −100 to 100 each, at most 1,024
 * @param minNewTokens neither the end of text nor a stop token is drawn before so many tokens, 0 to
 *     {@code maxNewTokens}; a stop string ends a completion all the same
 * @param maxNewTokens the most tokens of a completion, 1 to 4,096
 * @param stopStrings a completion ends before the first of these, at most 16 of 1 to 1,024
 *     characters
 * @param stopTokenIds a completion ends before any of these tokens, at most 16
 * @param grammar what the completion's text must look like; absent: anything
 * @param seed the same request with the same seed on the same weights draws the same tokens
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    int minNewTokens,
    int maxNewTokens,
    List<String> stopStrings,
    List<Integer> stopTokenIds,
    @Nullable Grammar grammar,
    long seed) {

  public static final double MAX_TEMPERATURE = 10;
  public static final double MAX_REPETITION_PENALTY = 10;
  public static final double MAX_PENALTY = 2;
  public static final double MAX_LOGIT_BIAS = 100;
  public static final int MAX_LOGIT_BIASES = 1_024;
  public static final int MAX_NEW_TOKENS = 4_096;
  public static final int MAX_STOP_STRINGS = 16;
  public static final int MAX_STOP_CHARACTERS = 1_024;
  public static final int MAX_STOP_TOKENS = 16;

  public SamplingOptions {
    require(
        temperature == 0 || (temperature >= 0.01 && temperature <= MAX_TEMPERATURE),
        "temperature: " + temperature + " (expected: 0, or 0.01 to 10)");
    require(topK >= 0, "top_k: " + topK + " (expected: ≥ 0; 0 means all)");
    require(topP > 0 && topP <= 1, "top_p: " + topP + " (expected: > 0 and ≤ 1)");
    require(minP >= 0 && minP <= 1, "min_p: " + minP + " (expected: 0 to 1)");
    require(
        repetitionPenalty >= 0.01 && repetitionPenalty <= MAX_REPETITION_PENALTY,
        "repetition_penalty: " + repetitionPenalty + " (expected: 0.01 to 10)");
    require(
        Math.abs(presencePenalty) <= MAX_PENALTY,
        "presence_penalty: " + presencePenalty + " (expected: -2 to 2)");
    require(
        Math.abs(frequencyPenalty) <= MAX_PENALTY,
        "frequency_penalty: " + frequencyPenalty + " (expected: -2 to 2)");
    logitBias = Map.copyOf(logitBias);
    requireBiases(logitBias);
    require(
        maxNewTokens >= 1 && maxNewTokens <= MAX_NEW_TOKENS,
        "max_new_tokens: " + maxNewTokens + " (expected: 1 to 4,096)");
    require(
        minNewTokens >= 0 && minNewTokens <= maxNewTokens,
        "min_new_tokens: "
            + minNewTokens
            + " (expected: 0 to max_new_tokens, which is "
            + maxNewTokens
            + ")");
    stopStrings = List.copyOf(stopStrings);
    requireStopStrings(stopStrings);
    stopTokenIds = List.copyOf(stopTokenIds);
    require(
        stopTokenIds.size() <= MAX_STOP_TOKENS,
        "stop_token_ids: " + stopTokenIds.size() + " (expected: at most 16)");
    for (int id : stopTokenIds) {
      require(id >= 0, "stop_token_ids: " + id + " (expected: ≥ 0)");
    }
  }

  /** Greedy decoding of at most {@code maxNewTokens} tokens, to the end of text. */
  public static SamplingOptions greedy(int maxNewTokens) {
    return builder().temperature(0).maxNewTokens(maxNewTokens).build();
  }

  /** Begins with the model's own distribution: temperature 1, nothing cut, 128 tokens, seed 0. */
  public static Builder builder() {
    return new Builder();
  }

  /** Begins with these options. */
  private Builder toBuilder() {
    return builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .repetitionPenalty(repetitionPenalty)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(logitBias)
        .minNewTokens(minNewTokens)
        .maxNewTokens(maxNewTokens)
        .stopStrings(stopStrings)
        .stopTokenIds(stopTokenIds)
        .grammar(grammar)
        .seed(seed);
  }

  /** Returns these options with another seed. */
  public SamplingOptions withSeed(long other) {
    return toBuilder().seed(other).build();
  }

  /**
   * Refuses token ids that a vocabulary does not have.
   *
   * @throws IllegalArgumentException naming field and token
   */
  public void requireTokensBelow(int vocabularySize) {
    String expected = " (expected: below the vocabulary's size, %,d)".formatted(vocabularySize);
    for (int id : new TreeMap<>(logitBias).keySet()) {
      require(id < vocabularySize, "logit_bias: token " + id + expected);
    }
    for (int id : stopTokenIds) {
      require(id < vocabularySize, "stop_token_ids: " + id + expected);
    }
  }

  /** Collects options; {@link #build} checks them. */
  public static final class Builder {
    private double temperature = 1;
    private int topK;
    private double topP = 1;
    private double minP;
    private double repetitionPenalty = 1;
    private double presencePenalty;
    private double frequencyPenalty;
    private Map<Integer, Double> logitBias = Map.of();
    private int minNewTokens;
    private int maxNewTokens = 128;
    private List<String> stopStrings = List.of();
    private List<Integer> stopTokenIds = List.of();
    private @Nullable Grammar grammar;
    private long seed;

    private Builder() {}

    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    public Builder topK(int value) {
      topK = value;
      return this;
    }

    public Builder topP(double value) {
      topP = value;
      return this;
    }

    public Builder minP(double value) {
      minP = value;
      return this;
    }

    public Builder repetitionPenalty(double value) {
      repetitionPenalty = value;
      return this;
    }

    public Builder presencePenalty(double value) {
      presencePenalty = value;
      return this;
    }

    public Builder frequencyPenalty(double value) {
      frequencyPenalty = value;
      return this;
    }

    public Builder logitBias(Map<Integer, Double> value) {
      logitBias = Map.copyOf(value);
      return this;
    }

    public Builder minNewTokens(int value) {
      minNewTokens = value;
      return this;
    }

    public Builder maxNewTokens(int value) {
      maxNewTokens = value;
      return this;
    }

    public Builder stopStrings(List<String> value) {
      stopStrings = List.copyOf(value);
      return this;
    }

    public Builder stopTokenIds(List<Integer> value) {
      stopTokenIds = List.copyOf(value);
      return this;
    }

    public Builder grammar(@Nullable Grammar value) {
      grammar = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /**
     * Returns the options.
     *
     * @throws IllegalArgumentException if a field is outside its range, named as on the wire:
     *     {@code min_p: 1.5 (expected: 0 to 1)}
     */
    public SamplingOptions build() {
      return new SamplingOptions(
          temperature,
          topK,
          topP,
          minP,
          repetitionPenalty,
          presencePenalty,
          frequencyPenalty,
          logitBias,
          minNewTokens,
          maxNewTokens,
          stopStrings,
          stopTokenIds,
          grammar,
          seed);
    }
  }

  private static void requireBiases(Map<Integer, Double> biases) {
    require(
        biases.size() <= MAX_LOGIT_BIASES,
        "logit_bias: %,d tokens (expected: at most 1,024)".formatted(biases.size()));
    // in the order of the ids, so that the same mistake is always named the same
    new TreeMap<>(biases)
        .forEach(
            (id, bias) -> {
              require(id >= 0, "logit_bias: token " + id + " (expected: ≥ 0)");
              require(
                  Math.abs(bias) <= MAX_LOGIT_BIAS,
                  "logit_bias[" + id + "]: " + bias + " (expected: -100 to 100)");
            });
  }

  private static void requireStopStrings(List<String> stops) {
    require(
        stops.size() <= MAX_STOP_STRINGS,
        "stop_strings: " + stops.size() + " (expected: at most 16)");
    for (int i = 0; i < stops.size(); i++) {
      int length = stops.get(i).length();
      require(
          length >= 1 && length <= MAX_STOP_CHARACTERS,
          "stop_strings[%d]: %,d characters (expected: 1 to 1,024)".formatted(i, length));
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
