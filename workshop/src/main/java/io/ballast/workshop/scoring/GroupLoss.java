package io.ballast.workshop.scoring;

import java.util.List;

/**
 * How wrong a head's scores of one group are, and which way they should move. A loss is a sum; the
 * trainer divides by {@link #terms}.
 */
sealed interface GroupLoss {
  /** How many terms the loss of a group has; a group without any teaches nothing. */
  double terms(List<LabelledCompletion> group);

  /**
   * Returns the loss of a group's scores.
   *
   * @param scores shape [G]
   * @param byScore shape [G]; the loss's derivatives are added to it
   */
  double loss(List<LabelledCompletion> group, double[] scores, double[] byScore);

  /**
   * −Σ log σ(r_w − r_l) over the pairs of a prompt in which one completion is worth more. Ties say
   * nothing.
   *
   * <p>Source: Coste et al. 2023, arXiv:2310.02743, §3, on pairs within a prompt.
   *
   * @param worth which label wins
   */
  record BradleyTerry(Worth worth) implements GroupLoss {
    @Override
    public double terms(List<LabelledCompletion> group) {
      int pairs = 0;
      for (LabelledCompletion first : group) {
        for (LabelledCompletion second : group) {
          if (worth.of(first) > worth.of(second)) {
            pairs++;
          }
        }
      }
      return pairs;
    }

    @Override
    public double loss(List<LabelledCompletion> group, double[] scores, double[] byScore) {
      double loss = 0;
      for (int w = 0; w < scores.length; w++) {
        for (int l = 0; l < scores.length; l++) {
          if (worth.of(group.get(w)) > worth.of(group.get(l))) {
            loss += pair(scores, byScore, w, l);
          }
        }
      }
      return loss;
    }
  }

  /**
   * −Σ log σ(s·C) over completions, s = 1 if harmful and −1 if not, and −Σ log σ(C_harmful −
   * C_harmless) over the pairs of a prompt, weighted so that a group's pairs together count as much
   * as its completions.
   *
   * <p>Source: Dai et al. 2023 (Safe RLHF), arXiv:2310.12773, equation 6. There a pair is one term
   * beside two signs; here a group has up to G²/4 pairs, hence the weight.
   */
  record SignAnchored() implements GroupLoss {
    @Override
    public double terms(List<LabelledCompletion> group) {
      return group.size();
    }

    @Override
    public double loss(List<LabelledCompletion> group, double[] scores, double[] byScore) {
      double loss = 0;
      int harmful = 0;
      for (int i = 0; i < scores.length; i++) {
        double sign = group.get(i).harmful() ? 1 : -1;
        loss += softplus(-sign * scores[i]);
        byScore[i] -= sign * sigmoid(-sign * scores[i]);
        harmful += group.get(i).harmful() ? 1 : 0;
      }
      int pairs = harmful * (scores.length - harmful);
      if (pairs == 0) {
        return loss;
      }
      double weight = scores.length / (double) pairs;
      double[] byPairs = new double[scores.length];
      double pairLoss = 0;
      for (int w = 0; w < scores.length; w++) {
        for (int l = 0; l < scores.length; l++) {
          if (group.get(w).harmful() && !group.get(l).harmful()) {
            pairLoss += pair(scores, byPairs, w, l);
          }
        }
      }
      for (int i = 0; i < scores.length; i++) {
        byScore[i] += weight * byPairs[i];
      }
      return loss + weight * pairLoss;
    }
  }

  private static double pair(double[] scores, double[] byScore, int winner, int loser) {
    double margin = scores[winner] - scores[loser];
    double pull = sigmoid(-margin);
    byScore[winner] -= pull;
    byScore[loser] += pull;
    return softplus(-margin);
  }

  /** log(1 + eˣ) without overflow. */
  static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  /** 1 / (1 + e⁻ˣ). */
  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
