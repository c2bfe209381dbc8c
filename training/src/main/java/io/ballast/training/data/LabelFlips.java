package io.ballast.training.data;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Makes some labels wrong on purpose, to see what an ensemble withstands. */
public final class LabelFlips {
  private LabelFlips() {}

  /**
   * Returns the judgements with the winner and the loser of some pairs exchanged, and the grades of
   * some completions turned round (1 − grade).
   *
   * <p>Source: Coste et al. 2024, arXiv:2310.02743: each label is flipped with probability 0.25 (or
   * 0.35). Flipped, not drawn anew: drawing half of the labels anew flips a quarter of them. A
   * margin no longer holds of a pair that is flipped, and is dropped.
   *
   * @param probability of each flip, 0 to 1
   * @param random one number is drawn a judgement, in their order
   */
  public static List<Judgement> flip(
      List<Judgement> judgements, double probability, RandomGenerator random) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("probability: " + probability + " (expected: 0 to 1)");
    }
    List<Judgement> result = new ArrayList<>(judgements.size());
    for (Judgement judgement : judgements) {
      result.add(random.nextDouble() < probability ? flipped(judgement) : judgement);
    }
    return result;
  }

  private static Judgement flipped(Judgement judgement) {
    return switch (judgement) {
      case Judgement.Pair pair ->
          new Judgement.Pair(
              pair.prompt(), pair.rejected(), pair.chosen(), 0, pair.weight(), pair.source());
      case Judgement.Grade grade ->
          new Judgement.Grade(
              grade.prompt(),
              grade.completion(),
              1 - grade.grade(),
              grade.weight(),
              grade.source());
    };
  }
}
