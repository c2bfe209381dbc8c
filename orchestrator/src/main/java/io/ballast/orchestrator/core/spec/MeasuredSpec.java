package io.ballast.orchestrator.core.spec;

/**
 * Harm that is measured along a run and never acted on.
 *
 * @param name what it is called in iterations, unique in its run
 * @param model who judges: a cost model, or a composite reward of which a component does
 * @param judge which of them
 * @param everyIterations it is measured in the first iteration and every so many after, ≥ 1
 * @param completions of an iteration that are judged, at most; ≥ 2
 */
public record MeasuredSpec(
    String name, ModelRef model, Judge judge, int everyIterations, int completions) {
  /** What says how harmful a completion is. */
  public sealed interface Judge {
    /** A cost model's harm probability. */
    record CostModel() implements Judge {}

    /**
     * A component of a composite reward, whose value is 1 for no harm and 0 for harm, such as a
     * verifier's.
     *
     * @param name in the composite
     */
    record Component(String name) implements Judge {}
  }

  /** Whether {@code iteration}, which counts from 1, is measured. */
  public boolean due(int iteration) {
    return (iteration - 1) % everyIterations == 0;
  }
}
