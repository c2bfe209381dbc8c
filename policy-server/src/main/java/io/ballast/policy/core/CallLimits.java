package io.ballast.policy.core;

import java.util.List;

/**
 * What a call may ask, and what it gets when it does not say.
 *
 * @param temperature the serving temperature
 * @param maxNewTokens the most tokens of a completion, when the call does not say
 * @param suggestStopStrings what ends a suggestion, when the call does not say
 * @param suggestPromptTokens the most prompt tokens that a suggestion sees; 0: as many as fit
 * @param maxPromptBytes the most bytes of a prompt in UTF-8
 * @param maxItems the most prompts or sequences in one call of a trainer
 * @param maxCandidates the most candidates of one suggestion
 * @param maxCompletions the most completions of one prompt
 */
public record CallLimits(
    double temperature,
    int maxNewTokens,
    List<String> suggestStopStrings,
    int suggestPromptTokens,
    int maxPromptBytes,
    int maxItems,
    int maxCandidates,
    int maxCompletions) {
  public CallLimits {
    suggestStopStrings = List.copyOf(suggestStopStrings);
  }
}
