package io.ballast.training.data;

/** Makes a judgement of a row of a file. */
interface RowReader {
  /**
   * Returns it.
   *
   * @param row the line of its file, from 1
   * @throws BadRowException if it says nothing to learn from
   */
  Judgement parse(long row, String line) throws BadRowException;
}
