package io.ballast.safety.core.gatefit;

/** Trees that were grown. */
public interface GrownTrees {
  /** XGBoost's UBJSON. */
  byte[] bytes();

  /** How many trees, ≥ 1. */
  int count();

  /** Nats an example of the validation part, at its least. */
  double validationLoss();

  /** The log-odds of each of {@code examples}, shape [N], not yet calibrated. */
  double[] logOdds(TreeGrower.Examples examples);
}
