package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.rollout.GroupStrategy;
import java.util.List;

/**
 * How one iteration samples.
 *
 * @param promptsPerIteration P, 1 to 1,024
 * @param completionsPerPrompt G, 2 to 64
 * @param temperature 0.1 to 2
 * @param maxNewTokens of a completion, 1 to 4,096
 * @param maxPromptTokens used, the last ones; 0: as many as fit
 * @param stopStrings what ends a completion, at most 16
 * @param staleness how many iterations ahead of the learner it samples, from older weights, 0 to 8;
 *     0: one after the other
 * @param groups which groups are learned from when judgements are missing
 */
public record RolloutSpec(
    int promptsPerIteration,
    int completionsPerPrompt,
    double temperature,
    int maxNewTokens,
    int maxPromptTokens,
    List<String> stopStrings,
    int staleness,
    GroupStrategy groups) {
  /** Copies the list. */
  public RolloutSpec {
    stopStrings = List.copyOf(stopStrings);
  }

  /** How many completions one iteration samples. */
  public int samplesCount() {
    return promptsPerIteration * completionsPerPrompt;
  }
}
