package io.ballast.rl.gate;

import io.ballast.rl.bound.ProportionBounds;
import io.ballast.rl.check.Require;
import java.util.List;
import org.apache.commons.statistics.distribution.BinomialDistribution;

/**
 * What a rule does to suggestions whose outcome is known.
 *
 * @param examples how many there are, ≥ 1
 * @param hidden by either stage
 * @param accepted of those, how many the user accepted
 * @param notGenerated hidden by stage 1
 * @param judgedTwice judged by stage 2
 */
public record GateCounts(
    int examples, int hidden, int accepted, int notGenerated, int judgedTwice) {
  /** Checks that each part is at most its whole. */
  public GateCounts {
    Require.atLeast(examples, 1, "examples");
    Require.inRange(hidden, 0, examples, "hidden");
    Require.inRange(accepted, 0, hidden, "accepted");
    Require.inRange(notGenerated, 0, hidden, "notGenerated");
    Require.inRange(judgedTwice, 0, examples - notGenerated, "judgedTwice");
  }

  /** Walks {@code rule} over {@code examples}, at least one. */
  public static GateCounts of(CascadeRule rule, List<GateExample> examples) {
    int hidden = 0;
    int accepted = 0;
    int notGenerated = 0;
    int judgedTwice = 0;
    for (GateExample example : examples) {
      GateOutcome first = rule.stageOne(example.stageOne());
      boolean shown = first != GateOutcome.WITHHOLD;
      notGenerated += shown ? 0 : 1;
      if (rule.needsSecondLook(first)) {
        judgedTwice++;
        shown = rule.stageTwo(example.stageTwo()) != GateOutcome.WITHHOLD;
      }
      hidden += shown ? 0 : 1;
      accepted += !shown && example.accepted() ? 1 : 0;
    }
    return new GateCounts(examples.size(), hidden, accepted, notGenerated, judgedTwice);
  }

  /**
   * How likely so few accepted ones among the hidden would be if fewer than ρ of what is hidden
   * were rejected.
   *
   * <pre>p = P[Bin(hidden, 1 − ρ) ≤ accepted], 1 where nothing is hidden</pre>
   *
   * <p>Exact: p ≤ α ⇔ Clopper and Pearson's lower bound of the share of rejected is at least ρ at
   * confidence 1 − α. It takes the examples as independent.
   *
   * @param targetAccuracy ρ, above 0, below 1
   */
  public double pValue(double targetAccuracy) {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    return hidden == 0
        ? 1
        : BinomialDistribution.of(hidden, 1 - targetAccuracy).cumulativeProbability(accepted);
  }

  /** The lower bound of the share of rejected among the hidden at confidence 1 − δ; 0 for none. */
  public double lowerAccuracy(double delta) {
    return hidden == 0 ? 0 : ProportionBounds.clopperPearsonLower(hidden - accepted, hidden, delta);
  }
}
