package io.ballast.training.scoring;

import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.rl.preference.PairGradient;
import io.ballast.rl.stats.Logistic;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.List;

/**
 * How wrong a head's scores of one group are, and which way they should move. A loss is a sum; the
 * trainer divides by {@link #terms}.
 */
public sealed interface GroupLoss {
  /** How many terms the loss of a group has; a group without any teaches nothing. */
  double terms(JudgedGroup group);

  /**
   * Returns the loss of a group's scores.
   *
   * @param scores shape [G]
   * @param byScore shape [G]; the loss's derivatives are added to it
   */
  double loss(JudgedGroup group, double[] scores, double[] byScore);

  /**
   * Returns the loss a term over groups.
   *
   * @param scores shape [G] of each group, in their order
   * @throws IllegalArgumentException if no group has a term: there is no mean of nothing
   */
  default double mean(List<JudgedGroup> groups, List<double[]> scores) {
    double sum = 0;
    double terms = 0;
    for (int g = 0; g < groups.size(); g++) {
      double[] own = scores.get(g);
      sum += loss(groups.get(g), own, new double[own.length]);
      terms += terms(groups.get(g));
    }
    if (!(terms > 0)) {
      throw new IllegalArgumentException(
          "%,d groups without a term of the loss (expected: at least one with one)"
              .formatted(groups.size()));
    }
    return sum / terms;
  }

  /**
   * Σ wᵢ·ℓᵢ over the preferences of a prompt.
   *
   * <p>Source: Coste et al. 2024, arXiv:2310.02743, §3, on pairs within a prompt.
   *
   * @param pair ℓ; its score decay is not to be used, the trainer has its own over completions
   */
  record Preferences(BradleyTerryLoss pair) implements GroupLoss {
    @Override
    public double terms(JudgedGroup group) {
      double weights = 0;
      for (Preference preference : group.preferences()) {
        weights += preference.weight();
      }
      return weights;
    }

    @Override
    public double loss(JudgedGroup group, double[] scores, double[] byScore) {
      double loss = 0;
      for (Preference preference : group.preferences()) {
        PairGradient gradient =
            pair.of(scores[preference.winner()], scores[preference.loser()], preference.margin());
        loss += preference.weight() * gradient.loss();
        byScore[preference.winner()] += preference.weight() * gradient.first();
        byScore[preference.loser()] += preference.weight() * gradient.second();
      }
      return loss;
    }
  }

  /**
   * −Σ wᵢ·(yᵢ·log σ(sᵢ) + (1 − yᵢ)·log(1 − σ(sᵢ))) over graded completions: σ(s) is the expected
   * grade, such as P[Love].
   *
   * <p>Source: Han et al. 2025 (RLUF), arXiv:2505.14946, §3, on a yes or no; a grade between is a
   * share of yeses.
   */
  record Grades() implements GroupLoss {
    @Override
    public double terms(JudgedGroup group) {
      double weights = 0;
      for (Grade grade : group.grades()) {
        weights += grade.weight();
      }
      return weights;
    }

    @Override
    public double loss(JudgedGroup group, double[] scores, double[] byScore) {
      double loss = 0;
      for (int i = 0; i < scores.length; i++) {
        Grade grade = group.grades().get(i);
        if (grade.isKnown()) {
          double target = grade.value();
          loss +=
              grade.weight()
                  * (target * Logistic.negativeLogSigmoid(scores[i])
                      + (1 - target) * Logistic.negativeLogSigmoid(-scores[i]));
          byScore[i] += grade.weight() * (Logistic.sigmoid(scores[i]) - target);
        }
      }
      return loss;
    }
  }

  /**
   * The loss of a cost whose zero parts safe from unsafe: for each pair the order of its two costs
   * and the sign of each, for a completion that was labelled alone its sign.
   *
   * <pre>Σ w·(−log σ(C_high − C_low) − log σ(s_high·C_high) − log σ(s_low·C_low))
   * s = 1 if unsafe, −1 if safe</pre>
   *
   * <p>Preferences say which is the more harmful one; grades are the labels, 1 unsafe and 0 safe,
   * and weigh as much as the pairs that they come with, one for each: so a completion of several
   * pairs has a sign term in each, and one that is labelled now safe, now unsafe, has a share of
   * both. Pairs of two safe or two unsafe completions teach their order like any other.
   *
   * <p>Source: Dai et al. 2024 (Safe RLHF), arXiv:2310.12773, equation 6.
   *
   * @param pair of the order; its score decay is not to be used, the trainer has its own over
   *     completions
   */
  record SequenceWise(BradleyTerryLoss pair) implements GroupLoss {
    @Override
    public double terms(JudgedGroup group) {
      double pairs = new Preferences(pair).terms(group);
      double labels = new Grades().terms(group);
      return Math.max(pairs, labels - pairs); // two labels a pair, and one of each that is alone
    }

    @Override
    public double loss(JudgedGroup group, double[] scores, double[] byScore) {
      return new Preferences(pair).loss(group, scores, byScore)
          + new Grades().loss(group, scores, byScore);
    }
  }
}
