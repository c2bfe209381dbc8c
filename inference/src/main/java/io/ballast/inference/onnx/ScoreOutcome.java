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

  /** Returns what raw scores amount to: a refusal if one of them is not finite. */
  static ScoreOutcome of(List<Float> scores) {
    for (int k = 0; k < scores.size(); k++) {
      if (!Float.isFinite(scores.get(k))) {
        return new Refusal(
            Refusal.Reason.NOT_FINITE,
            "scores[" + k + "]: " + scores.get(k) + " (expected: finite)");
      }
    }
    return new Scored(scores);
  }
}
