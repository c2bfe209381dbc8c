package io.ballast.rl.objective;

/** What a preference loss makes of the margin h between a chosen and a rejected completion. */
public enum PairLoss {
  /** DPO: −log σ(βh). */
  LOGISTIC,
  /** cDPO: −(1 − ε)·log σ(βh) − ε·log σ(−βh): a share ε of the labels is wrong. */
  CONSERVATIVE,
  /** rDPO: the unbiased estimate of the clean DPO loss under a known flip rate ε &lt; ½. */
  ROBUST,
  /** IPO: (h − 1/(2β))²: a target margin, which no confidence pushes beyond. */
  SQUARED,
  /** SLiC: max(0, 1 − βh). */
  HINGE
}
