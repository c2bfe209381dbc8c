package io.ballast.rl.gate;

/** What fitting thresholds found. */
public sealed interface ThresholdFit {
  /** How many examples were withheld, at best, under the constraint; 0 if infeasible. */
  int withheldCount();

  /**
   * Thresholds that satisfy the constraint.
   *
   * @param thresholds where the lines are
   * @param withheldCount examples withheld by either stage, ≥ 1
   * @param rejectedCount of those, how many the user rejected
   * @param notGeneratedCount examples withheld by stage 1
   * @param referredCount examples that stage 1 referred
   * @param examplesCount examples in all
   * @param conditionalAccuracy rejectedCount/withheldCount
   * @param lowerBound of the conditional accuracy, ≥ ρ
   * @param loss λ·referred + (1 − λ)·(1 − withheld), as shares; what was minimised
   */
  record Feasible(
      GateThresholds thresholds,
      int withheldCount,
      int rejectedCount,
      int notGeneratedCount,
      int referredCount,
      int examplesCount,
      double conditionalAccuracy,
      double lowerBound,
      double loss)
      implements ThresholdFit {}

  /**
   * No thresholds that withhold anything satisfy the constraint: show everything.
   *
   * @param examplesCount examples in all
   */
  record Infeasible(int examplesCount) implements ThresholdFit {
    @Override
    public int withheldCount() {
      return 0;
    }
  }
}
