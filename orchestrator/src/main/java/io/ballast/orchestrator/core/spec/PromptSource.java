package io.ballast.orchestrator.core.spec;

import java.util.List;

/** Where prompts come from. They are read once, when the run is created, and kept with it. */
public sealed interface PromptSource {
  /** Given in the spec. */
  record Inline(List<String> prompts) implements PromptSource {
    /** Copies the list. */
    public Inline {
      prompts = List.copyOf(prompts);
    }
  }

  /**
   * A file of JSON lines: each a string, or an object with the key {@code prompt}.
   *
   * @param path below the data folder
   */
  record InFile(String path) implements PromptSource {}

  /**
   * The prompts of suggestions that the run's tenant gave feedback on, newest last, each once.
   *
   * @param max how many, ≥ 1
   */
  record Feedback(int max) implements PromptSource {}
}
