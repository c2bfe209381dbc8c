package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses a rule of which the promise survives the choice: each rule of a grid is tested on
 * examples that fixed nothing before, and the best of those that pass is taken.
 *
 * <pre>
 * H_r: what r hides is rejected too seldom (below ρ), with the p-value of the evidence
 * P(some rule that passes breaks ρ) ≤ α
 * </pre>
 *
 * <p>Source: Angelopoulos et al. 2021 (Learn then Test), arXiv:2110.01052, theorem 1, for the
 * constraint of Mozannar et al. 2024 (CDHF), arXiv:2306.04930. {@link ThresholdFitter} takes the
 * best of as many cells under a bound of one: its promise breaks. So does this one if decisions of
 * a few users are taken as independent: {@link GateEvidence} says what is.
 *
 * <p>The units of the evidence must be drawn as those to come; what a gate in force showed must be
 * weighed by nothing but equal propensity.
 *
 * @param targetAccuracy ρ, above 0, below 1
 * @param alpha α, above 0, below 1
 * @param test how many tests become one promise
 * @param aim what is best
 */
public record LearnThenTest(double targetAccuracy, double alpha, MultipleTest test, Aim aim) {
  /** Which of the rules that pass is taken. */
  public enum Aim {
    /** The one that hides most. */
    MOST_HIDDEN,
    /** The one that spares most generations, and of those the one that hides most. */
    MOST_NOT_GENERATED
  }

  /** Checks the ranges above. */
  public LearnThenTest {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    Require.openProbability(alpha, "alpha");
  }

  /**
   * Returns the best rule that passes. Of equally good ones, the first. Where there are fewer
   * independent users than could prove anything, the best that would pass by decisions is measured;
   * where not all that they decided is there, the best that passes is.
   *
   * @param grid fixed before {@code evidence} was seen
   */
  public CertifiedGate choose(GateGrid grid, GateEvidence evidence) {
    int least = evidence.least(targetAccuracy, alpha);
    boolean tooFew = evidence.units() < least;
    if (tooFew && evidence.unit() == GateGuarantee.Unit.GROUP) {
      CertifiedGate found = choose(grid, new GateEvidence.Decisions(evidence.examples()));
      return found instanceof CertifiedGate.Certified passing
          ? new CertifiedGate.Measured(
              passing.rule(),
              passing.counts(),
              evidence.units(),
              least,
              CertifiedGate.Measured.Why.TOO_FEW_USERS)
          : new CertifiedGate.Infeasible(evidence.units(), grid.rules().size(), least);
    }
    List<GateExample> examples = evidence.examples();
    List<GateCounts> counts = new ArrayList<>();
    double[] pValues = new double[grid.rules().size()];
    for (int i = 0; i < pValues.length; i++) {
      CascadeRule rule = grid.rules().get(i);
      counts.add(GateCounts.of(rule, examples));
      pValues[i] = evidence.pValue(rule, targetAccuracy, alpha);
    }
    boolean[] passes = test.reject(pValues, alpha);
    int best = -1;
    int valid = 0;
    for (int i = 0; i < passes.length; i++) {
      if (passes[i]) {
        valid++;
        best = best < 0 || better(counts.get(i), counts.get(best)) ? i : best;
      }
    }
    if (best < 0) {
      return new CertifiedGate.Infeasible(evidence.units(), pValues.length, least);
    }
    GateCounts chosen = counts.get(best);
    CascadeRule rule = grid.rules().get(best);
    if (!evidence.whole()) {
      return new CertifiedGate.Measured(
          rule, chosen, evidence.units(), least, CertifiedGate.Measured.Why.THINNED_LOG);
    }
    return new CertifiedGate.Certified(
        rule,
        new GateGuarantee(
            targetAccuracy,
            alpha,
            evidence.unit(),
            evidence.unitsHidden(rule),
            chosen.hidden(),
            chosen.accepted(),
            pValues[best]),
        chosen,
        valid);
  }

  private boolean better(GateCounts one, GateCounts other) {
    return switch (aim) {
      case MOST_HIDDEN -> one.hidden() > other.hidden();
      case MOST_NOT_GENERATED ->
          one.notGenerated() > other.notGenerated()
              || (one.notGenerated() == other.notGenerated() && one.hidden() > other.hidden());
    };
  }
}
