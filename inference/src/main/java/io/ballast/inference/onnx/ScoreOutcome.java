package io.ballast.inference.onnx;

import java.util.List;

/** What came of scoring one completion: numbers, or why there are none. */
public sealed interface ScoreOutcome permits ScoreOutcome.Scored, Refusal {
  /**
   * The heads' raw scores, neither normalised nor calibrated.
   *
   * @param scores shape [K], finite
   */
  record Scored(List<Float> scores) implements ScoreOutcome {
    public Scored {
      scores = List.copyOf(scores);
    }
  }
}
