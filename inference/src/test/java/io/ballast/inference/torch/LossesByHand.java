package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Losses that are plain enough for a test to follow. */
final class LossesByHand {
  private LossesByHand() {}

  /** Derivatives that make every token likelier, and say nothing of values. */
  static TokenGradients likelier(int index, GroupScores scores) {
    return TokenGradients.ofLogProbs(all(scores, -1));
  }

  /** The same number for every token. */
  static List<PerToken> all(GroupScores scores, float value) {
    List<PerToken> all = new ArrayList<>();
    for (PerToken completion : scores.logProbs()) {
      float[] values = new float[completion.size()];
      Arrays.fill(values, value);
      all.add(PerToken.of(values));
    }
    return all;
  }

  /** The mean square of V less 1, and beside it every log-probability alike. */
  static final class ReturnsOfOne implements TokenGradientFunction {
    private final int tokens;
    private final float byLogProb;
    private double loss;

    ReturnsOfOne(List<CompletionGroup> groups, float byLogProb) {
      this.tokens =
          groups.stream()
              .flatMap(group -> group.completions().stream())
              .mapToInt(TokenIds::size)
              .sum();
      this.byLogProb = byLogProb;
    }

    /** The mean square of the values asked for so far. */
    double loss() {
      return loss;
    }

    @Override
    public TokenGradients gradients(int index, GroupScores scores) {
      List<PerToken> byValues = new ArrayList<>();
      for (PerToken values : scores.values()) {
        float[] byValue = new float[values.size()];
        for (int t = 0; t < byValue.length; t++) {
          double error = values.get(t) - 1;
          loss += error * error / tokens;
          byValue[t] = (float) (2 * error / tokens);
        }
        byValues.add(PerToken.of(byValue));
      }
      return new TokenGradients(all(scores, byLogProb), List.of(), byValues);
    }
  }
}
