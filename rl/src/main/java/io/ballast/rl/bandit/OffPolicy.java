package io.ballast.rl.bandit;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import io.ballast.rl.check.Require;
import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Estimates of what a candidate policy would earn, from decisions that another took with known
 * probabilities.
 *
 * <pre>
 * IPS:             V̂ = 1/n·Σ wᵢrᵢ
 * self-normalised: V̂ = Σ wᵢrᵢ/Σ wᵢ
 * doubly robust:   V̂ = 1/n·Σ (q̂(xᵢ, π) + wᵢ(rᵢ − q̂(xᵢ, aᵢ)))
 * </pre>
 *
 * <p>Source: Horvitz and Thompson 1952; Swaminathan and Joachims 2015; Dudík et al. 2011,
 * arXiv:1103.4601. All assume that whatever the candidate would do was done with a probability
 * above 0. IPS has no bias; self-normalising trades a little for less variance and stays within the
 * rewards; doubly robust has no bias if the propensities are right, whatever q̂ is, and the less
 * variance the better q̂ is. Intervals are cluster-robust, of the self-normalised by its
 * linearisation.
 *
 * @param leastEffectiveSize below this effective size nothing is estimated, ≥ 2
 * @param confidence of the intervals, above 0, below 1
 */
public record OffPolicy(double leastEffectiveSize, double confidence) {
  /** Checks the ranges above. */
  public OffPolicy {
    Require.inRange(leastEffectiveSize, 2, Double.MAX_VALUE, "leastEffectiveSize");
    Require.openProbability(confidence, "confidence");
  }

  /** Effective sizes of at least 30, intervals at 95 %. */
  public static OffPolicy standard() {
    return new OffPolicy(30, 0.95);
  }

  /** Returns the inverse-propensity estimate of {@code log}, at least one decision. */
  public OffPolicyEstimate inversePropensity(List<LoggedDecision> log) {
    return estimate(log, each -> each.weight() * each.reward());
  }

  /** Returns the doubly robust estimate of {@code log}, at least one decision. */
  public OffPolicyEstimate doublyRobust(List<LoggedDecision> log) {
    return estimate(
        log, each -> each.candidateExpected() + each.weight() * (each.reward() - each.expected()));
  }

  /** Returns the self-normalised estimate of {@code log}, at least one decision. */
  public OffPolicyEstimate selfNormalised(List<LoggedDecision> log) {
    double weights = log.stream().mapToDouble(LoggedDecision::weight).sum();
    double earned = log.stream().mapToDouble(each -> each.weight() * each.reward()).sum();
    double mean = weights / log.size();
    double value = earned / weights;
    return estimate(log, each -> value + each.weight() * (each.reward() - value) / mean);
  }

  private OffPolicyEstimate estimate(
      List<LoggedDecision> log, ToDoubleFunction<LoggedDecision> term) {
    Require.atLeast(log.size(), 1, "log");
    double sum = log.stream().mapToDouble(LoggedDecision::weight).sum();
    double squares = log.stream().mapToDouble(each -> each.weight() * each.weight()).sum();
    double size = squares == 0 ? 0 : sum * sum / squares;
    Set<Object> clusters =
        log.stream()
            .filter(each -> each.weight() > 0)
            .map(LoggedDecision::cluster)
            .collect(Collectors.toSet());
    if (size < leastEffectiveSize || clusters.size() < 2) {
      return new OffPolicyEstimate.TooLittle(size, clusters.size());
    }
    return new OffPolicyEstimate.Estimated(
        clustered(log, term), size, clustered(log, LoggedDecision::weight));
  }

  private Interval clustered(List<LoggedDecision> log, ToDoubleFunction<LoggedDecision> term) {
    return MeanIntervals.clusteredMean(
        log.stream().mapToDouble(term).toArray(),
        log.stream().map(LoggedDecision::cluster).toList(),
        confidence);
  }
}
