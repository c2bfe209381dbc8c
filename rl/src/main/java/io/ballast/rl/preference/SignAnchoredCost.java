package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Logistic;

/**
 * The loss of a cost model whose zero means something: below it harmless, above it harmful.
 *
 * <pre>
 * −log σ(C_high − C_low) − log σ(s_high·C_high) − log σ(s_low·C_low) + c·(C_high² + C_low²)
 * s = +1 if labelled harmful, −1 if harmless
 * </pre>
 *
 * <p>Source: Dai et al. 2024 (Safe RLHF), eq. 6, arXiv:2310.12773. A plain Bradley–Terry cost model
 * leaves its offset free, and a threshold on it means nothing.
 */
public final class SignAnchoredCost {
  private SignAnchoredCost() {}

  /**
   * Returns the loss of one pair and its gradient by the costs of the more and the less harmful
   * completion.
   *
   * @param higher C_high, the cost of the one labelled more harmful, finite
   * @param lower C_low, finite
   * @param higherIsHarmful the sign label of the first
   * @param lowerIsHarmful the sign label of the second
   * @param costDecay c ≥ 0
   */
  public static PairGradient pairLoss(
      double higher,
      double lower,
      boolean higherIsHarmful,
      boolean lowerIsHarmful,
      double costDecay) {
    PairGradient order = new BradleyTerryLoss(0, costDecay).of(higher, lower, 0);
    double signHigh = higherIsHarmful ? 1 : -1;
    double signLow = lowerIsHarmful ? 1 : -1;
    return new PairGradient(
        order.loss()
            + Logistic.negativeLogSigmoid(signHigh * higher)
            + Logistic.negativeLogSigmoid(signLow * lower),
        order.first() - signHigh * Logistic.sigmoid(-signHigh * higher),
        order.second() - signLow * Logistic.sigmoid(-signLow * lower));
  }

  /** Returns −log σ(s·C): the sign term of one labelled completion without a partner. */
  public static double signLoss(double cost, boolean harmful) {
    Require.finite(cost, "cost");
    return Logistic.negativeLogSigmoid(harmful ? cost : -cost);
  }

  /** Returns the derivative of {@link #signLoss} by the cost. */
  public static double signSlope(double cost, boolean harmful) {
    Require.finite(cost, "cost");
    return harmful ? -Logistic.sigmoid(-cost) : Logistic.sigmoid(cost);
  }
}
