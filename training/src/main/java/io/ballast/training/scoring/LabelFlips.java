package io.ballast.training.scoring;

import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Makes some labels wrong on purpose, to see what an ensemble withstands. */
public final class LabelFlips {
  private LabelFlips() {}

  /**
   * Returns the group with the winner and the loser of some preferences exchanged, and some grades
   * turned round (1 − grade).
   *
   * <p>Source: Coste et al. 2024, arXiv:2310.02743: each label is flipped with probability 0.25 (or
   * 0.35). Flipped, not drawn anew: drawing half of the labels anew flips a quarter of them. A
   * margin no longer holds of a preference that is flipped, and is dropped.
   *
   * @param probability of each flip, 0 to 1
   * @param random one number is drawn a preference and a known grade, in their order
   */
  public static JudgedGroup flip(JudgedGroup group, double probability, RandomGenerator random) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("probability: " + probability + " (expected: 0 to 1)");
    }
    List<Preference> preferences = new ArrayList<>(group.preferences().size());
    for (Preference p : group.preferences()) {
      preferences.add(
          random.nextDouble() < probability
              ? new Preference(p.loser(), p.winner(), 0, p.weight())
              : p);
    }
    List<Grade> grades = new ArrayList<>(group.grades().size());
    for (Grade grade : group.grades()) {
      grades.add(
          grade.isKnown() && random.nextDouble() < probability
              ? new Grade(1 - grade.value(), grade.weight())
              : grade);
    }
    return new JudgedGroup(group.key(), group.prompt(), group.completions(), preferences, grades);
  }
}
