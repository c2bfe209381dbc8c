package io.ballast.orchestrator.core.spec;

/** Where prompts come from. They are read once, when the run is created, and kept with it. */
public sealed interface PromptSource {
  /** What a person calls it: the file's path, {@code inline} or {@code feedback}. */
  String name();

  /** Given in the spec. */
  record Inline(GroupedPrompts given) implements PromptSource {
    @Override
    public String name() {
      return "inline";
    }
  }

  /**
   * A file of rows: Parquet, or JSON lines, plain or by gzip, each a string or an object.
   *
   * @param path below the data folder
   * @param column the key, or the column, that has the prompt
   */
  record InFile(String path, String column) implements PromptSource {
    @Override
    public String name() {
      return path;
    }
  }

  /**
   * The prompts of suggestions that the run's tenant gave feedback on, newest last, each once.
   *
   * @param max how many, ≥ 1
   */
  record Feedback(int max) implements PromptSource {
    @Override
    public String name() {
      return "feedback";
    }
  }
}
