package io.ballast.inference.onnx;

import java.util.ArrayList;
import java.util.List;

/** What came of scoring one completion: numbers, or why there are none. */
public sealed interface ScoreOutcome permits ScoreOutcome.Scored, Refusal {
  /**
   * The members' raw scores, neither normalised nor calibrated.
   *
   * @param scores shape [K], finite
   * @param objectives shape [K][O]: the raw numbers by each objective of which the scores are sums,
   *     finite; empty if the members do not judge by several
   */
  record Scored(List<Float> scores, List<List<Float>> objectives) implements ScoreOutcome {
    public Scored {
      scores = List.copyOf(scores);
      objectives = objectives.stream().map(List::copyOf).toList();
    }
  }

  /**
   * Returns what the numbers of a row amount to: a refusal if one of them is not finite.
   *
   * @param scores that hold K numbers of each row
   * @param objectives that hold K·O numbers of each row; not read if there are no objectives
   */
  static ScoreOutcome of(ScoringSpec spec, float[] scores, float[] objectives, int row) {
    int members = spec.heads();
    int count = spec.objectives().size();
    List<Float> ofMembers = new ArrayList<>(members);
    List<List<Float>> ofObjectives = new ArrayList<>();
    for (int k = 0; k < members; k++) {
      float score = scores[row * members + k];
      if (!Float.isFinite(score)) {
        return notFinite("scores[" + k + "]", score);
      }
      ofMembers.add(score);
      List<Float> ofMember = new ArrayList<>(count);
      for (int o = 0; o < count; o++) {
        float each = objectives[(row * members + k) * count + o];
        if (!Float.isFinite(each)) {
          return notFinite("objectives[" + k + "][" + o + "]", each);
        }
        ofMember.add(each);
      }
      if (count > 0) {
        ofObjectives.add(ofMember);
      }
    }
    return new Scored(ofMembers, ofObjectives);
  }

  private static Refusal notFinite(String what, float value) {
    return new Refusal(Refusal.Reason.NOT_FINITE, what + ": " + value + " (expected: finite)");
  }
}
