package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * A prompt and its completions, which are computed together: the prompt once.
 *
 * @param prompt at least one token
 * @param completions shape [G], G ≥ 1; an empty one has no log-probabilities. A completion that
 *     ended by itself ends in the end-of-text token if ending is to be learned
 */
public record CompletionGroup(TokenIds prompt, List<TokenIds> completions) {
  public CompletionGroup {
    completions = List.copyOf(completions);
    if (prompt.size() == 0) {
      throw new IllegalArgumentException("prompt: no tokens (expected: ≥ 1)");
    }
    if (completions.isEmpty()) {
      throw new IllegalArgumentException("completions: none (expected: ≥ 1)");
    }
  }

  /** Number of completions. */
  public int size() {
    return completions.size();
  }
}
