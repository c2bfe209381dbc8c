package io.ballast.rl.objective;

/**
 * What a preference loss makes of the margin h between a chosen and a rejected completion. γ is the
 * target margin; x = βh − γ, and x′ = −βh − γ is what the flipped label would say.
 */
public enum PairLoss {
  /** DPO, SimPO: −log σ(x). */
  LOGISTIC,
  /** cDPO: −(1 − ε)·log σ(x) − ε·log σ(x′): a share ε of the labels is wrong. */
  CONSERVATIVE,
  /**
   * rDPO: (−(1 − ε)·log σ(x) + ε·log σ(x′))/(1 − 2ε), the unbiased estimate of the clean DPO loss
   * under a known flip rate ε &lt; ½.
   */
  ROBUST,
  /** IPO: (h − 1/(2β))²: a margin that no confidence pushes beyond; γ is not read. */
  SQUARED,
  /** SLiC: max(0, γ − βh). */
  HINGE
}
