package io.ballast.orchestrator.core.run;

import java.util.List;

/**
 * The prompts of a run, as they were when it was created.
 *
 * @param training to learn on
 * @param test held out; none of them is in {@code training}
 */
public record PromptSets(List<String> training, List<String> test) {
  /** Copies the lists. */
  public PromptSets {
    training = List.copyOf(training);
    test = List.copyOf(test);
  }
}
