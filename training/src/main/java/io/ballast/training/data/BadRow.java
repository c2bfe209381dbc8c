package io.ballast.training.data;

/**
 * A row that says nothing to learn from.
 *
 * @param row the line of its file, from 1
 * @param reason what is wrong and what was expected, one line, without the row's number
 */
public record BadRow(long row, String reason) {
  @Override
  public String toString() {
    return "row %,d: %s".formatted(row, reason);
  }
}
