package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses a rule of which the promise survives the choice: each rule of a grid is tested on
 * examples that fixed nothing before, and the best of those that pass is taken.
 *
 * <pre>
 * H_r: P(rejected | hidden by r) &lt; ρ,  p_r = P[Bin(hidden, 1 − ρ) ≤ accepted]
 * P(some rule that passes breaks ρ) ≤ α
 * </pre>
 *
 * <p>Source: Angelopoulos et al. 2021 (Learn then Test), arXiv:2110.01052, theorem 1, for the
 * constraint of Mozannar et al. 2024 (CDHF), arXiv:2306.04930. {@link ThresholdFitter} takes the
 * best of as many cells under a bound of one: its promise breaks.
 *
 * <p>The examples must be independent and drawn as those to come: of a position or a user that has
 * several take one, and weigh what a gate in force showed by nothing but equal propensity.
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
   * Returns the best rule that passes. Of equally good ones, the first.
   *
   * @param grid fixed before {@code examples} were seen
   * @param examples at least one, independent
   */
  public CertifiedGate choose(GateGrid grid, List<GateExample> examples) {
    Require.atLeast(examples.size(), 1, "examples");
    List<GateCounts> counts = new ArrayList<>();
    for (CascadeRule rule : grid.rules()) {
      counts.add(GateCounts.of(rule, examples));
    }
    double[] pValues = counts.stream().mapToDouble(each -> each.pValue(targetAccuracy)).toArray();
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
      int least = (int) Math.ceil(Math.log(alpha) / Math.log(targetAccuracy));
      return new CertifiedGate.Infeasible(examples.size(), pValues.length, least);
    }
    GateCounts chosen = counts.get(best);
    return new CertifiedGate.Certified(
        grid.rules().get(best),
        new GateGuarantee(targetAccuracy, alpha, chosen.hidden(), chosen.accepted(), pValues[best]),
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
