package io.ballast.workshop.gate;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateEvidence;
import io.ballast.rl.gate.GateExample;
import io.ballast.rl.gate.GateGrid;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.LearnThenTest;
import io.ballast.rl.gate.MultipleTest;
import io.ballast.rl.gate.ProportionBoundMethod;
import io.ballast.rl.gate.ThresholdFit;
import io.ballast.rl.gate.ThresholdFitter;
import java.util.List;
import java.util.Optional;

/**
 * Both stages' lines, drawn for the gate as it is served: stage 2 judges what stage 1 passes too.
 *
 * @param rule what is withheld; nothing if no lines keep to the target
 * @param tested what Learn then Test found; empty where lines were drawn otherwise
 * @param rules how many rules it chose from, else 0
 */
record DrawnLines(CascadeRule rule, Optional<CertifiedGate> tested, int rules) {
  /** How lines are drawn. */
  enum Method {
    /** The best of all lines on the examples, by the bound of one: promises nothing elsewhere. */
    ENUMERATION,
    /** The best of a fixed grid that passes Learn then Test, files taken as independent. */
    LEARN_THEN_TEST
  }

  /** Shares of its predictions below which a stage may withhold. */
  private static final double[] LINE_SHARES = {
    0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7
  };

  /** Shares of the positions at which stage 1 may decide alone. */
  private static final double[] SURE_SHARES = {0, 0.1, 0.25, 0.5};

  /** What was proven of the rule. */
  Optional<GateGuarantee> guarantee() {
    return tested.flatMap(
        found ->
            found instanceof CertifiedGate.Certified proven
                ? Optional.of(proven.guarantee())
                : Optional.empty());
  }

  /** Whether anything is withheld. */
  boolean withhold() {
    return !rule.equals(CascadeRule.open());
  }

  /**
   * Draws the best lines over some refer entropies.
   *
   * @param examples at least one
   */
  static DrawnLines enumerated(
      GateTrainer.Plan plan, List<GateExample> examples, double[] referEntropies) {
    ThresholdFit fit =
        new ThresholdFitter(
                plan.targetAccuracy(),
                plan.referCost(),
                plan.delta(),
                ProportionBoundMethod.CLOPPER_PEARSON,
                true)
            .fit(examples, referEntropies);
    CascadeRule rule =
        switch (fit) {
          case ThresholdFit.Feasible feasible -> feasible.rule();
          case ThresholdFit.Infeasible infeasible -> CascadeRule.open();
        };
    return new DrawnLines(rule, Optional.empty(), 0);
  }

  /**
   * Draws the lines of which most is proven.
   *
   * @param forGrid examples that fix the grid, at least one
   * @param deciding examples that decide, file by file
   */
  static DrawnLines certified(
      GateTrainer.Plan plan, List<GateExample> forGrid, GateEvidence deciding) {
    GateGrid grid =
        GateGrid.of(forGrid, SURE_SHARES, LINE_SHARES, List.of(true), plan.targetAccuracy());
    CertifiedGate chosen =
        new LearnThenTest(
                plan.targetAccuracy(),
                plan.delta(),
                new MultipleTest.FixedSequence(1),
                LearnThenTest.Aim.MOST_HIDDEN)
            .choose(grid, deciding);
    return new DrawnLines(chosen.served(), Optional.of(chosen), grid.rules().size());
  }
}
