package io.ballast.orchestrator.core.data;

/**
 * A row of a source that nothing can be learned from; it was left out.
 *
 * @param row its line in a file, its place in a Parquet file or among the feedback, from 1
 * @param reason what is wrong and what was expected, without any text of the row
 */
public record BadRow(long row, String reason) {
  @Override
  public String toString() {
    return "row %,d: %s".formatted(row, reason);
  }
}
