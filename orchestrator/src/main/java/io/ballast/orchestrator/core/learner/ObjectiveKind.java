package io.ballast.orchestrator.core.learner;

/** Objectives that the learner knows by name. */
public enum ObjectiveKind {
  /** −Σ Â·logp. */
  POLICY_GRADIENT,
  /** PPO's clipped surrogate with a ratio for each token. */
  PPO_CLIP,
  /** GSPO: the clipped surrogate with one ratio for each completion. */
  GSPO,
  /** DPO on the preferred and the other completion of each group. */
  DPO,
  /** −Σ logp. */
  CROSS_ENTROPY
}
