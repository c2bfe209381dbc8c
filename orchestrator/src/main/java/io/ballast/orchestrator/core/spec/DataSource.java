package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.data.Curriculum;
import org.jspecify.annotations.Nullable;

/**
 * One of the sources that a run learns from.
 *
 * @param rows where they are
 * @param weight its share of every iteration is this by that of all sources, &gt; 0
 * @param maxBadRows how many rows may be left out, ≥ 0; with more the run is refused
 * @param curriculum which rows an iteration may take; null: all
 */
public record DataSource(
    PromptSource rows, double weight, long maxBadRows, @Nullable Curriculum curriculum) {
  /** Without a curriculum. */
  public DataSource(PromptSource rows, double weight, long maxBadRows) {
    this(rows, weight, maxBadRows, null);
  }

  /** The only source, of which every row must be good. */
  public static DataSource only(PromptSource rows) {
    return new DataSource(rows, SpecDefaults.SOURCE_WEIGHT, SpecDefaults.MAX_BAD_ROWS);
  }
}
