package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/** What sampling one prompt gave. */
public sealed interface SampledPrompt {
  /**
   * Its completions.
   *
   * @param prompt the text
   * @param promptTokens what the policy saw of it, at least one token
   * @param completions shape [G]
   */
  record Sampled(String prompt, TokenIds promptTokens, List<SampledCompletion> completions)
      implements SampledPrompt {
    /** Copies the list. */
    public Sampled {
      completions = List.copyOf(completions);
    }
  }

  /** Why there are none. */
  record Failed(String reason) implements SampledPrompt {}
}
