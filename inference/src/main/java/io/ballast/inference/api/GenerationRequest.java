package io.ballast.inference.api;

/**
 * A prompt to continue.
 *
 * @param prompt the text so far; its last tokens are used when it exceeds the model's context less
 *     {@code maxNewTokens}
 * @param heal whether the cursor may stand in the middle of a token: the engine then goes back to
 *     the last token boundary and draws only tokens that agree with what is typed. The typed part
 *     belongs to no completion
 * @param maxPromptTokens the most prompt tokens used (the last ones); 0 means as many as fit
 */
public record GenerationRequest(
    String prompt, boolean heal, int maxPromptTokens, SamplingOptions sampling) {
  public GenerationRequest {
    if (maxPromptTokens < 0) {
      throw new IllegalArgumentException(
          "max_prompt_tokens: " + maxPromptTokens + " (expected: ≥ 0; 0 means as many as fit)");
    }
  }

  /** Returns this request with another seed. */
  public GenerationRequest withSeed(long seed) {
    return new GenerationRequest(prompt, heal, maxPromptTokens, sampling.withSeed(seed));
  }
}
