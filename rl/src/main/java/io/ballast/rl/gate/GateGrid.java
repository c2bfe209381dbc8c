package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Quantiles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * The rules among which one is chosen, fixed before the data that decide are seen, in the order in
 * which a fixed sequence tests them.
 *
 * @param rules at least one, no two equal
 */
public record GateGrid(List<CascadeRule> rules) {
  /** Checks the above. */
  public GateGrid {
    rules = List.copyOf(rules);
    Require.atLeast(rules.size(), 1, "rules");
    Require.sameLength(Set.copyOf(rules).size(), rules.size(), "distinct rules");
  }

  /**
   * Returns the rules with lines at quantiles of the predictions for {@code examples}, safest
   * first.
   *
   * <p>Stage 1 refers a share of {@code 1 − r} for each share r that it handles alone; it withholds
   * below the quantiles {@code lineShares} of p₁, stage 2 below those of p₂. Share 0 withholds
   * nothing. Rules stand in the order of their {@linkplain GateCounts#pValue p-values} on these
   * examples, taken one by one: Angelopoulos et al. 2021 (Learn then Test), arXiv:2110.01052, call
   * it split fixed sequence testing, and any order keeps the promise. Of equal p-values (as where
   * both are 0) the one that hides less is first.
   *
   * @param examples of another part than will decide, at least one
   * @param sureShares r, each 0 to 1; 0 refers everything
   * @param lineShares each 0 to 1
   * @param secondLooks the readings, at least one
   * @param targetAccuracy ρ of the p-values, above 0, below 1
   */
  public static GateGrid of(
      List<GateExample> examples,
      double[] sureShares,
      double[] lineShares,
      List<Boolean> secondLooks,
      double targetAccuracy) {
    Require.atLeast(examples.size(), 1, "examples");
    Require.probabilities(sureShares, "sureShares");
    Require.probabilities(lineShares, "lineShares");
    Require.openProbability(targetAccuracy, "targetAccuracy");
    double[] entropies = numbers(examples, e -> BinaryEntropy.bits(e.stageOne()));
    double[] ones = lines(numbers(examples, GateExample::stageOne), lineShares);
    double[] twos = lines(numbers(examples, GateExample::stageTwo), lineShares);
    Set<CascadeRule> rules = new LinkedHashSet<>();
    for (boolean secondLook : secondLooks) {
      for (double sure : sureShares) {
        double refer = sure == 0 ? 0 : Quantiles.of(entropies, sure);
        for (double one : refer == 0 ? new double[] {0} : ones) {
          for (double two : twos) {
            rules.add(new CascadeRule(new GateThresholds(refer, one, two), secondLook));
          }
        }
      }
    }
    record Ranked(CascadeRule rule, GateCounts counts, double pValue) {}
    List<Ranked> ranked = new ArrayList<>();
    for (CascadeRule rule : rules) {
      GateCounts counts = GateCounts.of(rule, examples);
      ranked.add(new Ranked(rule, counts, counts.pValue(targetAccuracy)));
    }
    ranked.sort(
        Comparator.comparingDouble(Ranked::pValue).thenComparing(each -> each.counts().hidden()));
    return new GateGrid(ranked.stream().map(Ranked::rule).toList());
  }

  private static double[] numbers(
      List<GateExample> examples, ToDoubleFunction<GateExample> number) {
    return examples.stream().mapToDouble(number).toArray();
  }

  private static double[] lines(double[] probabilities, double[] shares) {
    double[] lines = new double[shares.length];
    for (int i = 0; i < shares.length; i++) {
      lines[i] = shares[i] == 0 ? 0 : Quantiles.of(probabilities, shares[i]);
    }
    return lines;
  }
}
