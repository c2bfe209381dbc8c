package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Logistic;

/**
 * The loss of a labelled pair under {@link BradleyTerry}'s model, with its gradient.
 *
 * <pre>z = r_w − r_l − m
 * −(1 − ε)·log σ(z) − ε·log σ(−z) + c·(r_w² + r_l²)</pre>
 *
 * <p>Source: Ouyang et al. 2022 (InstructGPT), eq. 1, arXiv:2203.02155; the margin m of Touvron et
 * al. 2023 (Llama 2), eq. 2, arXiv:2307.09288; the smoothing ε of Wang et al. 2024 (Secrets of RLHF
 * II), §3.2, arXiv:2401.06080; the decay c of Safe RLHF, arXiv:2310.12773, and HC-RLHF, 0.001
 * there.
 *
 * @param labelSmoothing ε, the share of labels that are believed to be wrong, 0 to below ½
 * @param scoreDecay c ≥ 0: keeps scores near 0, which the first terms leave free
 */
public record BradleyTerryLoss(double labelSmoothing, double scoreDecay) {
  /** Checks the ranges above. */
  public BradleyTerryLoss {
    Require.inRange(labelSmoothing, 0, Math.nextDown(0.5), "labelSmoothing");
    Require.notNegative(scoreDecay, "scoreDecay");
  }

  /** −log σ(r_w − r_l − m) alone. */
  public static BradleyTerryLoss plain() {
    return new BradleyTerryLoss(0, 0);
  }

  /**
   * Returns the loss of one pair and its gradient by both scores.
   *
   * @param preferred r_w, finite
   * @param other r_l, finite
   * @param margin m ≥ 0, finite, in the scores' unit: by how much the first is to win
   */
  public PairGradient of(double preferred, double other, double margin) {
    Require.finite(preferred, "preferred");
    Require.finite(other, "other");
    Require.notNegative(margin, "margin");
    double z = preferred - other - margin;
    double slope = labelSmoothing - Logistic.sigmoid(-z);
    double loss = (1 - labelSmoothing) * Logistic.negativeLogSigmoid(z);
    if (labelSmoothing > 0) {
      loss += labelSmoothing * Logistic.negativeLogSigmoid(-z);
    }
    return new PairGradient(
        loss + scoreDecay * (preferred * preferred + other * other),
        slope + 2 * scoreDecay * preferred,
        -slope + 2 * scoreDecay * other);
  }
}
