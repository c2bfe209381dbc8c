package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.CallPatience;
import java.util.List;

/** Scores completions with K heads, in this process or on a server elsewhere. Thread-safe. */
public interface CompletionScorer extends AutoCloseable {
  /** What the model says of itself: kind, normalisation, calibration, held-out figures. */
  ScoringSpec spec();

  /**
   * Scores every completion; one that cannot be scored fails alone. A score does not depend on what
   * it is asked for with.
   *
   * @return shape [groups][completions of each], in the order given
   * @throws ModelException CLOSED; BROKEN if the engine fails; UNAVAILABLE or OVERLOADED if it is
   *     elsewhere and not reached, or its queue is full
   */
  List<List<ScoreOutcome>> score(List<ScoringGroup> groups);

  /**
   * Scores as the other, for callers who may leave: then an engine that is elsewhere is told to
   * stop. One in this process goes on to the end.
   *
   * @throws ModelException as the other; UNAVAILABLE once the callers have left
   */
  default List<List<ScoreOutcome>> score(List<ScoringGroup> groups, CallPatience callers) {
    return score(groups);
  }

  @Override
  void close();
}
