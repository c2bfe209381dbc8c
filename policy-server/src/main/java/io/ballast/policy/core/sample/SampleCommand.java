package io.ballast.policy.core.sample;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.VersionSelector;
import io.ballast.policy.core.SamplingChoice;
import java.util.List;

/**
 * Prompts to sample from.
 *
 * @param prompts shape [P]
 * @param completionsCount G, the completions of each prompt
 * @param healCursor whether a cursor inside a token of a text prompt is healed
 * @param maxPromptTokens the most prompt tokens used, the last ones; 0: as many as fit
 * @param arrivalNanos when the call arrived, by the monotonic clock
 */
public record SampleCommand(
    Caller caller,
    VersionSelector policy,
    List<Content> prompts,
    int completionsCount,
    SamplingChoice sampling,
    boolean healCursor,
    int maxPromptTokens,
    long arrivalNanos) {
  public SampleCommand {
    prompts = List.copyOf(prompts);
  }
}
