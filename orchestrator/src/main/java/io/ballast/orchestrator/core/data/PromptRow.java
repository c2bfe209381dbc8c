package io.ballast.orchestrator.core.data;

/**
 * A row of a source.
 *
 * @param number its line in a file, or its place in a Parquet file, from 1
 * @param prompt the text
 * @param group its group; empty: it has none
 * @param difficulty the number that a curriculum goes by; 0 where there is none
 * @param labels what people said of completions
 */
public record PromptRow(
    long number, String prompt, String group, double difficulty, Labels labels) {
  /** A prompt alone. */
  public PromptRow(long number, String prompt, String group) {
    this(number, prompt, group, 0, Labels.NONE);
  }
}
