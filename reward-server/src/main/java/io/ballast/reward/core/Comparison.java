package io.ballast.reward.core;

import io.ballast.rl.stats.Logistic;
import java.util.OptionalDouble;

/**
 * Which of two completions of one prompt the ensemble prefers.
 *
 * @param a the first item
 * @param b the second
 * @param probabilityA the mean over the members that judged both of σ(rawᵃ − rawᵇ), the
 *     Bradley–Terry probability that a is preferred; empty if one of the two has no value
 * @param preferringA members whose score of a is higher
 * @param judgedBoth members that judged both
 * @param ensemble who judged
 */
public record Comparison(
    ScoredItem a,
    ScoredItem b,
    OptionalDouble probabilityA,
    int preferringA,
    int judgedBoth,
    Ensemble ensemble) {
  /** Compares two items that the same ensemble scored. */
  static Comparison of(ScoredItem a, ScoredItem b, Ensemble ensemble) {
    int both = 0;
    int preferring = 0;
    double sum = 0;
    for (int k = 0; k < Math.min(a.members().size(), b.members().size()); k++) {
      if (a.members().get(k).outcome() instanceof MemberOutcome.Raw rawA
          && b.members().get(k).outcome() instanceof MemberOutcome.Raw rawB) {
        both++;
        preferring += rawA.score() > rawB.score() ? 1 : 0;
        sum += Logistic.sigmoid(rawA.score() - rawB.score());
      }
    }
    boolean known =
        both > 0 && a.reward() instanceof Reward.Value && b.reward() instanceof Reward.Value;
    return new Comparison(
        a,
        b,
        known ? OptionalDouble.of(sum / both) : OptionalDouble.empty(),
        preferring,
        both,
        ensemble);
  }
}
