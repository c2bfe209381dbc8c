package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Faults;
import java.util.List;

/**
 * Prompts to sample from the weights in training.
 *
 * @param prompts 1 to 1,024
 * @param completionsCount completions a prompt, 1 to 64
 * @param sampling how to draw; the seed of completion j of prompt i is derived from its seed
 * @param maxPromptTokens the most prompt tokens used, the last ones; 0: as many as fit
 */
public record SampleCommand(
    List<Prompt> prompts, int completionsCount, SamplingOptions sampling, int maxPromptTokens) {
  private static final int MAX_PROMPTS = 1_024;
  private static final int MAX_COMPLETIONS = 64;
  private static final int MAX_TOKENS = 1 << 22;

  /** What to continue. */
  public sealed interface Prompt {
    /** As text. */
    record Text(String text) implements Prompt {}

    /** As tokens of the model's tokenizer. */
    record Tokens(TokenIds tokens) implements Prompt {}

    /** The request carried neither. */
    record Absent() implements Prompt {}
  }

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public SampleCommand {
    prompts = List.copyOf(prompts);
    if (prompts.isEmpty() || prompts.size() > MAX_PROMPTS) {
      throw Faults.malformed(
          "prompts", "%,d items (expected: 1 to %,d)".formatted(prompts.size(), MAX_PROMPTS));
    }
    if (completionsCount < 1 || completionsCount > MAX_COMPLETIONS) {
      throw Faults.malformed(
          "completions_count",
          "%d (expected: 1 to %d)".formatted(completionsCount, MAX_COMPLETIONS));
    }
    if (maxPromptTokens < 0) {
      throw Faults.malformed(
          "max_prompt_tokens", "%d (expected: at least 0)".formatted(maxPromptTokens));
    }
  }

  /**
   * Checks that the answer fits in memory and into one message.
   *
   * @param contextTokens the longest that a completion can be
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST
   */
  void requireSize(int contextTokens) {
    int each = Math.min(sampling.maxNewTokens(), contextTokens);
    long tokens = (long) prompts.size() * completionsCount * each;
    if (tokens > MAX_TOKENS) {
      throw Faults.malformed(
          "completions_count",
          "%,d prompts of %d completions of up to %,d tokens are %,d tokens (expected: at most %,d a call)"
              .formatted(prompts.size(), completionsCount, each, tokens, MAX_TOKENS));
    }
  }
}
