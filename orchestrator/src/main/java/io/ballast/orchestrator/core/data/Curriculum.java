package io.ballast.orchestrator.core.data;

/**
 * How a source goes from easy rows to hard ones: by a number that each of its rows has.
 *
 * @param field the key, or the column, that has the number
 * @param from the largest number of a row that the first iteration may take
 * @param to the largest of all, from iteration {@code over} + 1 on; ≥ {@code from}
 * @param over how many iterations the way takes, ≥ 1
 */
public record Curriculum(String field, double from, double to, int over) {
  /**
   * The largest number of a row that {@code iteration} may take.
   *
   * <pre>from + (to − from)·min(1, (i − 1)/over)</pre>
   *
   * @param iteration i, counts from 1
   */
  public double limit(int iteration) {
    return iteration > over ? to : from + (to - from) * ((double) (iteration - 1) / over);
  }
}
