package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Fits the display gate's thresholds to validation predictions, exactly, without a promise of fresh
 * data.
 *
 * <pre>
 * min  λ·mean(judged by stage 2) + (1 − λ)·(1 − mean(withheld))
 * s.t. lower bound of P(rejected | withheld) ≥ ρ
 * </pre>
 *
 * <p>Source: Mozannar et al. 2024 (CDHF), arXiv:2306.04930. Differs: its code draws 100 candidate
 * thresholds at random and constrains the plain share, which then falls short on fresh users; here
 * every distinct prediction is a candidate and the share's lower confidence bound is constrained.
 * For each refer entropy and each number of accepted suggestions that a stage may lose, only the
 * longest run of withheld ones matters, since the bound grows with them: O(n·a) for n examples of
 * which a may be lost, instead of O(n³).
 *
 * <p>The bound is that of one fixed choice, and this is the best of many: on fresh data its promise
 * breaks more often than δ says. {@link LearnThenTest} chooses with a promise that holds.
 *
 * @param targetAccuracy ρ, above 0, below 1
 * @param referCost λ, 0 to 1: what a generation costs against a needless display
 * @param delta δ of the lower bound, above 0, below 1
 * @param bound how the share is bounded
 * @param secondLook whether stage 2 judges what stage 1 passes too, as {@link CascadeRule} has it
 */
public record ThresholdFitter(
    double targetAccuracy,
    double referCost,
    double delta,
    ProportionBoundMethod bound,
    boolean secondLook) {
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
      for (int i = 0; i < one.count() && one.run(i).accepted() <= allowed[examples.size()]; i++) {
        CascadeRule first =
            new CascadeRule(new GateThresholds(refer, one.run(i).threshold(), 0), secondLook);
        WithheldRuns two =
            WithheldRuns.of(
                byStageTwo.stream().filter(example -> judgesTwice(first, example)).toList(),
                GateExample::stageTwo);
        best = better(best, bestSecond(first, one.run(i), two, allowed));
      }
    }
    return best.<ThresholdFit>map(found -> found)
        .orElseGet(() -> new ThresholdFit.Infeasible(examples.size()));
  }

  private static boolean judgesTwice(CascadeRule rule, GateExample example) {
    return rule.needsSecondLook(rule.stageOne(example.stageOne()));
  }

  private static Optional<ThresholdFit.Feasible> better(
      Optional<ThresholdFit.Feasible> best, Optional<ThresholdFit.Feasible> found) {
    if (best.isEmpty() || found.isEmpty()) {
      return best.isEmpty() ? found : best;
    }
    double gain = best.get().loss() - found.get().loss();
    boolean more = found.get().withheldCount() > best.get().withheldCount();
    return gain > 0 || (gain == 0 && more) ? found : best;
  }

  /** The longest run of stage 2 that may be withheld beside what stage 1 withholds. */
  private Optional<ThresholdFit.Feasible> bestSecond(
      CascadeRule first, WithheldRuns.Run one, WithheldRuns two, int[] allowed) {
    int total = allowed.length - 1;
    Optional<WithheldRuns.Run> best = Optional.empty();
    for (int j = 0; j < two.count(); j++) {
      WithheldRuns.Run run = two.run(j);
      int withheld = one.withheld() + run.withheld();
      if (withheld > 0 && one.accepted() + run.accepted() <= allowed[withheld]) {
        best = Optional.of(run);
      }
    }
    return best.map(
        run -> {
          int withheld = one.withheld() + run.withheld();
          int rejected = withheld - one.accepted() - run.accepted();
          double judgedShare = (double) two.examples() / total;
          double withheldShare = (double) withheld / total;
          GateThresholds lines = first.thresholds();
          return new ThresholdFit.Feasible(
              new CascadeRule(
                  new GateThresholds(lines.referEntropyBits(), lines.stageOne(), run.threshold()),
                  secondLook),
              withheld,
              rejected,
              one.withheld(),
              two.examples(),
              total,
              (double) rejected / withheld,
              bound.lower(rejected, withheld, delta),
              referCost * judgedShare + (1 - referCost) * (1 - withheldShare));
        });
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
