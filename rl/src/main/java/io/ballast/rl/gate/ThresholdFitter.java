package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Fits the display gate's thresholds to validation predictions, exactly.
 *
 * <pre>
 * min  λ·mean(referred) + (1 − λ)·(1 − mean(withheld))
 * s.t. lower bound of P(rejected | withheld) ≥ ρ
 * </pre>
 *
 * <p>Source: Mozannar et al. 2024 (CDHF), arXiv:2306.04930. Differs: its code draws 100 candidate
 * thresholds at random and constrains the plain share, which then falls short on fresh users; here
 * every distinct prediction is a candidate and the share's lower confidence bound is constrained.
 * For each refer entropy and each number of accepted suggestions that a stage may lose, only the
 * longest run of withheld ones matters, since the bound grows with them: O(n·a²) for n examples of
 * which a may be lost, instead of O(n³). The bound is that of one fixed choice: having chosen the
 * best of many, expect a little less on fresh data.
 *
 * @param targetAccuracy ρ, above 0, below 1
 * @param referCost λ, 0 to 1: what a generation costs against a needless display
 * @param delta δ of the lower bound, above 0, below 1
 * @param bound how the share is bounded
 */
public record ThresholdFitter(
    double targetAccuracy, double referCost, double delta, ProportionBoundMethod bound) {
  /** Checks the ranges above. */
  public ThresholdFitter {
    Require.openProbability(targetAccuracy, "targetAccuracy");
    Require.probability(referCost, "referCost");
    Require.openProbability(delta, "delta");
  }

  /** Returns the best thresholds over every distinct refer entropy of {@code examples}. */
  public ThresholdFit fit(List<GateExample> examples) {
    double[] entropies =
        examples.stream()
            .mapToDouble(example -> BinaryEntropy.bits(example.stageOne()))
            .distinct()
            .sorted()
            .toArray();
    double[] candidates = new double[entropies.length + 2];
    System.arraycopy(entropies, 0, candidates, 1, entropies.length);
    candidates[candidates.length - 1] =
        entropies.length == 0 ? 1 : Math.min(1, Math.nextUp(entropies[entropies.length - 1]));
    return fit(examples, Arrays.stream(candidates).distinct().toArray());
  }

  /**
   * Returns the best thresholds over the given refer entropies: a fixed refer share, or fewer
   * candidates for many examples. Of equally good ones, the first.
   *
   * @param examples at least one
   * @param referEntropies at least one, each 0 to 1 bit; 0 refers everything
   */
  public ThresholdFit fit(List<GateExample> examples, double[] referEntropies) {
    Require.atLeast(examples.size(), 1, "examples");
    Require.probabilities(referEntropies, "referEntropies");
    int[] allowed = acceptedAllowed(examples.size());
    List<GateExample> byStageOne =
        examples.stream().sorted(Comparator.comparingDouble(GateExample::stageOne)).toList();
    List<GateExample> byStageTwo =
        examples.stream().sorted(Comparator.comparingDouble(GateExample::stageTwo)).toList();
    Optional<ThresholdFit.Feasible> best = Optional.empty();
    for (double refer : referEntropies) {
      WithheldRuns one =
          WithheldRuns.of(
              byStageOne.stream().filter(example -> !refers(example, refer)).toList(),
              GateExample::stageOne);
      WithheldRuns two =
          WithheldRuns.of(
              byStageTwo.stream().filter(example -> refers(example, refer)).toList(),
              GateExample::stageTwo);
      Optional<ThresholdFit.Feasible> found = bestPair(one, two, refer, allowed);
      if (found.isPresent() && (best.isEmpty() || found.get().loss() < best.get().loss())) {
        best = found;
      }
    }
    return best.<ThresholdFit>map(found -> found)
        .orElseGet(() -> new ThresholdFit.Infeasible(examples.size()));
  }

  private Optional<ThresholdFit.Feasible> bestPair(
      WithheldRuns one, WithheldRuns two, double refer, int[] allowed) {
    int total = allowed.length - 1;
    int most = 0;
    WithheldRuns.Run bestOne = one.run(0);
    WithheldRuns.Run bestTwo = two.run(0);
    for (int i = 0; i < one.count() && one.run(i).accepted() <= allowed[total]; i++) {
      for (int j = 0; j < two.count(); j++) {
        int accepted = one.run(i).accepted() + two.run(j).accepted();
        if (accepted > allowed[total]) {
          break;
        }
        int withheld = one.run(i).withheld() + two.run(j).withheld();
        if (withheld > most && accepted <= allowed[withheld]) {
          most = withheld;
          bestOne = one.run(i);
          bestTwo = two.run(j);
        }
      }
    }
    if (most == 0) {
      return Optional.empty();
    }
    int rejected = most - bestOne.accepted() - bestTwo.accepted();
    double referredShare = (double) two.examples() / total;
    double withheldShare = (double) most / total;
    return Optional.of(
        new ThresholdFit.Feasible(
            new GateThresholds(refer, bestOne.threshold(), bestTwo.threshold()),
            most,
            rejected,
            bestOne.withheld(),
            two.examples(),
            total,
            (double) rejected / most,
            bound.lower(rejected, most, delta),
            referCost * referredShare + (1 - referCost) * (1 - withheldShare)));
  }

  /** For each number of withheld examples, how many accepted ones may be among them; −1: none. */
  private int[] acceptedAllowed(int examples) {
    int[] allowed = new int[examples + 1];
    int accepted = -1;
    allowed[0] = -1;
    for (int withheld = 1; withheld <= examples; withheld++) {
      while (accepted < withheld
          && bound.lower(withheld - accepted - 1, withheld, delta) >= targetAccuracy) {
        accepted++;
      }
      allowed[withheld] = accepted;
    }
    return allowed;
  }

  private static boolean refers(GateExample example, double referEntropyBits) {
    return BinaryEntropy.bits(example.stageOne()) >= referEntropyBits;
  }
}
