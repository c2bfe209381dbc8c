package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * A prompt with completions that share its computation.
 *
 * @param prompt shape [P], P ≥ 1
 * @param completions shape [G]
 */
public record PromptGroup(TokenIds prompt, List<TokenIds> completions) {
  public PromptGroup {
    completions = List.copyOf(completions);
  }

  /** How much work it is: every token once. */
  int tokens() {
    int tokens = prompt.size();
    for (TokenIds completion : completions) {
      tokens += completion.size();
    }
    return tokens;
  }
}
