package io.ballast.inference.api;

import io.ballast.kit.call.Lane;
import java.time.Duration;
import java.util.Optional;

/**
 * A prompt to continue.
 *
 * @param prompt the text so far; its last tokens are used when it exceeds the model's context less
 *     {@code maxNewTokens}
 * @param heal whether the cursor may stand in the middle of a token: the engine then goes back to
 *     the last token boundary and draws only tokens that agree with what is typed. The typed part
 *     belongs to no completion
 * @param maxPromptTokens the most prompt tokens used (the last ones); 0 means as many as fit
 * @param lane which work goes first when there is not room for all
 * @param tenant who asks; tenants of a lane share the engine equally
 * @param within how long the caller waits: an engine that would not begin by then refuses at once;
 *     empty: for as long as it takes
 */
public record GenerationRequest(
    String prompt,
    boolean heal,
    int maxPromptTokens,
    SamplingOptions sampling,
    Lane lane,
    String tenant,
    Optional<Duration> within) {
  public GenerationRequest {
    if (maxPromptTokens < 0) {
      throw new IllegalArgumentException(
          "max_prompt_tokens: " + maxPromptTokens + " (expected: ≥ 0; 0 means as many as fit)");
    }
  }

  /** Of somebody who waits, of no tenant in particular. */
  public GenerationRequest(
      String prompt, boolean heal, int maxPromptTokens, SamplingOptions sampling) {
    this(prompt, heal, maxPromptTokens, sampling, Lane.INTERACTIVE, "", Optional.empty());
  }

  /** Returns this request with another seed. */
  public GenerationRequest withSeed(long seed) {
    return new GenerationRequest(
        prompt, heal, maxPromptTokens, sampling.withSeed(seed), lane, tenant, within);
  }

  /** Returns this request as that of a tenant, in a lane. */
  public GenerationRequest of(Lane newLane, String newTenant) {
    return new GenerationRequest(
        prompt, heal, maxPromptTokens, sampling, newLane, newTenant, within);
  }

  /** Returns this request as that of a caller who waits for so long. */
  public GenerationRequest within(Optional<Duration> patience) {
    return new GenerationRequest(prompt, heal, maxPromptTokens, sampling, lane, tenant, patience);
  }
}
