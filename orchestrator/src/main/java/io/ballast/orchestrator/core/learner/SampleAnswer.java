package io.ballast.orchestrator.core.learner;

import java.util.List;

/**
 * Samples in the order of the prompts.
 *
 * @param samples one for each prompt
 * @param updatesCount updates done when sampling began
 */
public record SampleAnswer(List<PromptSample> samples, long updatesCount) {
  /** Copies the list. */
  public SampleAnswer {
    samples = List.copyOf(samples);
  }
}
