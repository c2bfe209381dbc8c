package io.ballast.orchestrator.core.data;

import java.util.List;

/**
 * What stands beside the training prompts of a run, in their order.
 *
 * @param numbers for curricula, one for each prompt, 0 in sources without one; empty: no source has
 *     a curriculum
 * @param labels one for each prompt; empty: they have none
 */
public record RowNotes(List<Double> numbers, List<Labels> labels) {
  /** Of prompts alone. */
  public static final RowNotes NONE = new RowNotes(List.of(), List.of());

  /** Copies the lists. */
  public RowNotes {
    numbers = List.copyOf(numbers);
    labels = List.copyOf(labels);
  }
}
