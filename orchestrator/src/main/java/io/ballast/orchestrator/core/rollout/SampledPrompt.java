package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import java.util.stream.Stream;

/** What sampling one prompt gave. */
public sealed interface SampledPrompt {
  /**
   * Its completions.
   *
   * @param prompt the text
   * @param promptTokens what the policy saw of it, at least one token
   * @param completions of the policy, shape [G]
   * @param beside completions that the policy's are compared with: a greedy one, or the reference's
   */
  record Sampled(
      String prompt,
      TokenIds promptTokens,
      List<SampledCompletion> completions,
      List<SampledCompletion> beside)
      implements SampledPrompt {
    /** Copies the lists. */
    public Sampled {
      completions = List.copyOf(completions);
      beside = List.copyOf(beside);
    }

    /** The policy's alone. */
    public Sampled(String prompt, TokenIds promptTokens, List<SampledCompletion> completions) {
      this(prompt, promptTokens, completions, List.of());
    }
  }

  /**
   * Why there are none.
   *
   * @param wastedTokens sampled of it for nothing, ≥ 0: of the policy, or of whoever wrote beside
   *     it
   */
  record Failed(String reason, long wastedTokens) implements SampledPrompt {
    /** Nothing was sampled. */
    public Failed(String reason) {
      this(reason, 0);
    }
  }

  /** Tokens of all that was sampled of it, ≥ 0. */
  default long sampledTokens() {
    return switch (this) {
      case Sampled sampled ->
          Stream.concat(sampled.completions.stream(), sampled.beside.stream())
              .mapToLong(completion -> completion.tokens().size())
              .sum();
      case Failed failed -> failed.wastedTokens;
    };
  }
}
