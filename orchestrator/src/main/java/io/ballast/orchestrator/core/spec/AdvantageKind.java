package io.ballast.orchestrator.core.spec;

import io.ballast.rl.advantage.AdvantageEstimator;

/** Better than expected, by whom. */
public enum AdvantageKind {
  /** The group's mean, in units of its standard deviation. */
  GRPO(AdvantageEstimator.GRPO),
  /** The mean of the others in the group. */
  RLOO(AdvantageEstimator.RLOO),
  /** The group's mean. */
  CENTRED(AdvantageEstimator.DR_GRPO);

  private final AdvantageEstimator estimator;

  AdvantageKind(AdvantageEstimator estimator) {
    this.estimator = estimator;
  }

  /** The formula. */
  public AdvantageEstimator estimator() {
    return estimator;
  }
}
