package io.ballast.training.data;

import com.fasterxml.jackson.databind.JsonNode;

/** A row of a file, whatever its form. */
public sealed interface Row {
  /** Its line, or its place in a Parquet file, from 1. */
  long number();

  /**
   * A row that can be read.
   *
   * @param json a JSON value; of a Parquet file an object of its columns
   */
  record Read(long number, JsonNode json) implements Row {}

  /**
   * A row that cannot.
   *
   * @param reason what is wrong and what was expected, without any text of the row
   */
  record Bad(long number, String reason) implements Row {}
}
