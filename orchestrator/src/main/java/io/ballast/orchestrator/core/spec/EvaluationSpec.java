package io.ballast.orchestrator.core.spec;

import org.jspecify.annotations.Nullable;

/**
 * How a run is evaluated on prompts that it never learns from, and what follows.
 *
 * @param prompts held out, from those of the safety test too
 * @param everyIterations the weights after the first iteration are evaluated, after every so many
 *     more, ≥ 1, and the last ones
 * @param completions of each prompt, ≥ 1
 * @param confidence of the interval, above 0, below 1
 * @param earlyStop null: evaluations end nothing
 * @param candidate which weights are the candidate
 */
public record EvaluationSpec(
    PromptSource prompts,
    int everyIterations,
    int completions,
    double confidence,
    @Nullable EarlyStopSpec earlyStop,
    CandidateChoice candidate) {
  /** Whether the weights after {@code iteration} are evaluated, be they the last or not. */
  public boolean due(int iteration) {
    return (iteration - 1) % everyIterations == 0;
  }
}
