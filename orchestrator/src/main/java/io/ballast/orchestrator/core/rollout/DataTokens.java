package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.orchestrator.core.data.Labels;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Labelled texts as the tokens that the policy would have read and written: the prompt split by
 * itself and cut to its last tokens, and a completion with its end, the first stop string or,
 * without one, the token that ends a text.
 *
 * @param tokenizer the policy's
 * @param maxPromptTokens used, the last ones; 0: as many as fit
 * @param maxNewTokens of a completion, its end included, ≥ 1
 * @param stopStrings what ends a completion
 */
public record DataTokens(
    Tokenizer tokenizer, int maxPromptTokens, int maxNewTokens, List<String> stopStrings) {
  private static final PerToken NOBODY_SAMPLED_IT = PerToken.of();

  /** Copies the list. */
  public DataTokens {
    stopStrings = List.copyOf(stopStrings);
  }

  /** What keeps the policy from ever writing {@code completion}, or null. */
  public @Nullable String flaw(String completion) {
    for (String stop : stopStrings) {
      int at = completion.indexOf(stop);
      if (at >= 0 && at + stop.length() < completion.length()) {
        return "goes on after a stop string, at character %,d (expected: none of rollout.stop_strings before its end)"
            .formatted(at);
      }
    }
    int tokens = completion(completion).size();
    return tokens > maxNewTokens
        ? "%,d tokens with its end, limit %,d, rollout.max_new_tokens"
            .formatted(tokens, maxNewTokens)
        : null;
  }

  /**
   * A row as if its completions had been sampled.
   *
   * @param contextTokens what prompt and completion must fit into
   */
  public SampledPrompt row(String prompt, Labels labels, int contextTokens) {
    List<SampledCompletion> completions = new ArrayList<>();
    add(completions, labels.chosen(), Label.CHOSEN);
    add(completions, labels.rejected(), Label.REJECTED);
    return new SampledPrompt.Sampled(prompt, prompt(prompt, contextTokens), completions);
  }

  private void add(List<SampledCompletion> completions, String text, Label label) {
    if (!text.isEmpty()) {
      completions.add(
          new SampledCompletion(
              completion(text), withoutStop(text), NOBODY_SAMPLED_IT, false, label));
    }
  }

  private TokenIds prompt(String text, int contextTokens) {
    TokenIds beginning = tokenizer.beginning();
    TokenIds tokens = tokenizer.withoutBeginning(tokenizer.encode(text));
    int limit = Math.max(1, contextTokens - maxNewTokens);
    if (maxPromptTokens > 0) {
      limit = Math.min(limit, maxPromptTokens);
    }
    if (beginning.size() + Math.min(1, tokens.size()) > limit) {
      beginning = TokenIds.of();
    }
    return beginning.concat(tokens.last(limit - beginning.size()));
  }

  private TokenIds completion(String text) {
    return stopStrings.isEmpty()
        ? tokenizer.encode(text).concat(TokenIds.of(tokenizer.endOfTextId()))
        : tokenizer.encode(withoutStop(text) + stopOf(text));
  }

  private String stopOf(String text) {
    return stopStrings.stream().filter(text::endsWith).findFirst().orElseGet(stopStrings::getFirst);
  }

  private String withoutStop(String text) {
    return stopStrings.stream()
        .filter(text::endsWith)
        .findFirst()
        .map(stop -> text.substring(0, text.length() - stop.length()))
        .orElse(text);
  }
}
