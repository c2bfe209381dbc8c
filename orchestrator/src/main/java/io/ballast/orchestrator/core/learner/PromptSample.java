package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.Generation;
import java.util.List;

/** What one prompt gave. */
public sealed interface PromptSample {
  /** The completions, as many as were asked for. */
  record Sampled(List<Generation> completions) implements PromptSample {
    /** Copies the list. */
    public Sampled {
      completions = List.copyOf(completions);
    }
  }

  /** Why there are none. */
  record Failed(Reason reason, String message) implements PromptSample {}

  /** What kind of failure. */
  enum Reason {
    /** The prompt is empty, too long, or not of this vocabulary. */
    INVALID_INPUT,
    /** The engine is full. */
    OVERLOADED,
    /** The model failed. */
    MODEL_ERROR
  }
}
