package io.ballast.orchestrator.core.spec;

import java.time.Duration;

/**
 * Where prompts come from. They are read once, when the run is created, and kept with it; only
 * feedback that is followed is read while the run learns.
 */
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

  /** Whether its rows have labels: what people said of completions of the prompt. */
  default boolean labelled() {
    return false;
  }

  /**
   * A file of rows: Parquet, or JSON lines, plain or by gzip, each a string or an object.
   *
   * @param path below the data folder
   * @param column the key, or the column, that has the prompt
   * @param rows what each of them is
   * @param number the key, or the column, that has the number of a curriculum; empty: there is none
   */
  record InFile(String path, String column, Rows rows, String number) implements PromptSource {
    /** Of prompts alone. */
    public InFile(String path, String column) {
      this(path, column, Rows.PROMPTS, "");
    }

    @Override
    public String name() {
      return path;
    }

    @Override
    public boolean labelled() {
      return rows != Rows.PROMPTS;
    }
  }

  /**
   * What people say of suggestions of the run's tenant, read on while the run learns: each event
   * once, a suggestion that was accepted is good and one that was rejected is bad.
   *
   * @param patience for how long an iteration waits for more, ≥ 0
   */
  record Followed(Duration patience) implements PromptSource {
    @Override
    public String name() {
      return "feedback";
    }

    @Override
    public boolean labelled() {
      return true;
    }
  }

  /** What a row of a file is. */
  enum Rows {
    /** A prompt. */
    PROMPTS("file"),
    /** A prompt with a completion that was preferred, {@code chosen}, and another, rejected. */
    PAIRS("pairs"),
    /** A prompt with a {@code completion} and whether it was good, {@code label}. */
    RATINGS("ratings");

    private final String key;

    Rows(String key) {
      this.key = key;
    }

    /** How a spec names such a file. */
    public String key() {
      return key;
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
