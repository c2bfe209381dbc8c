package io.ballast.rl.gate;

/** What fitting thresholds found. */
public sealed interface ThresholdFit {
  /** How many examples were withheld, at best, under the constraint; 0 if infeasible. */
  int withheldCount();

  /**
   * Thresholds that satisfy the constraint.
   *
   * @param rule what to serve
   * @param withheldCount examples withheld by either stage, ≥ 1
   * @param rejectedCount of those, how many the user rejected
   * @param notGeneratedCount examples withheld by stage 1
   * @param judgedTwiceCount examples that stage 2 judged
   * @param examplesCount examples in all
   * @param conditionalAccuracy rejectedCount/withheldCount
   * @param lowerBound of the conditional accuracy, ≥ ρ
   * @param loss λ·judged by stage 2 + (1 − λ)·(1 − withheld), as shares; what was minimised
   */
  record Feasible(
      CascadeRule rule,
      int withheldCount,
      int rejectedCount,
      int notGeneratedCount,
      int judgedTwiceCount,
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
