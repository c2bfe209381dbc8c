package io.ballast.policy.core;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.grammar.Grammar;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sampling options that a server has no defaults of its own for; ranges and meaning are {@link
 * SamplingOptions}'.
 *
 * @param regex a regular expression for the whole completion
 * @param jsonSchema a JSON schema for the whole completion; at most one of the two is there
 */
public record FurtherOptions(
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    int minNewTokens,
    List<Integer> stopTokenIds,
    @Nullable String regex,
    @Nullable String jsonSchema) {
  public FurtherOptions {
    logitBias = Map.copyOf(logitBias);
    stopTokenIds = List.copyOf(stopTokenIds);
  }

  /** Those that change nothing. */
  public static FurtherOptions none() {
    return new FurtherOptions(0, 1, 0, 0, Map.of(), 0, List.of(), null, null);
  }

  /** Whether the completion's form is given. */
  boolean hasGrammar() {
    return regex != null || jsonSchema != null;
  }

  /**
   * Sets these options.
   *
   * @throws IllegalArgumentException if a grammar is refused, named {@code regex} or {@code
   *     json_schema}
   */
  SamplingOptions.Builder applyTo(SamplingOptions.Builder options) {
    return options
        .minP(minP)
        .repetitionPenalty(repetitionPenalty)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(logitBias)
        .minNewTokens(minNewTokens)
        .stopTokenIds(stopTokenIds)
        .grammar(grammar());
  }

  private @Nullable Grammar grammar() {
    if (regex != null) {
      return Grammar.regex(regex);
    }
    return jsonSchema == null ? null : Grammar.jsonSchema(jsonSchema);
  }
}
