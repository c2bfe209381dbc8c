package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.List;

/**
 * The latest costs, first in, first out, each with the version of the policy that it is of.
 * Immutable: adding returns the next state, which is all there is to store.
 *
 * <pre>
 * m = Σ wᵢCᵢ/Σ wᵢ,  s² = Σ wᵢ(Cᵢ − m)²/(Σ wᵢ − Σ wᵢ²/Σ wᵢ),  n_b = (Σ wᵢ)²/Σ wᵢ²
 * </pre>
 *
 * <p>Source: the estimation buffer of HC-RLHF, arXiv:2506.08266, with weights for stale costs; n_b
 * is Kish's effective sample size (1965). With equal weights it is {@link CostBuffer}.
 *
 * @param capacity the most costs kept, ≥ 1
 * @param costs oldest first, at most {@code capacity}; versions do not descend
 */
public record TaggedCosts(int capacity, List<TaggedCost> costs) {
  /** Checks the ranges above. */
  public TaggedCosts {
    Require.atLeast(capacity, 1, "capacity");
    costs = List.copyOf(costs);
    if (costs.size() > capacity) {
      throw new IllegalArgumentException(
          "costs: " + costs.size() + " elements (expected: at most " + capacity + ")");
    }
    for (int i = 1; i < costs.size(); i++) {
      long before = costs.get(i - 1).version();
      if (costs.get(i).version() < before) {
        throw new IllegalArgumentException(
            "costs[%d].version: %d (expected: >= %d)".formatted(i, costs.get(i).version(), before));
      }
    }
  }

  /** An empty buffer. */
  public static TaggedCosts ofCapacity(int capacity) {
    return new TaggedCosts(capacity, List.of());
  }

  /** Returns the buffer after {@code more}, finite, of {@code version}, pushed the oldest out. */
  public TaggedCosts add(long version, double... more) {
    List<TaggedCost> all = new ArrayList<>(costs);
    for (double cost : more) {
      all.add(new TaggedCost(cost, version));
    }
    return new TaggedCosts(capacity, all.subList(Math.max(0, all.size() - capacity), all.size()));
  }

  /**
   * Returns what the costs say of a version.
   *
   * @param version at least that of the latest cost
   * @throws IllegalArgumentException if fewer than two costs have a weight, or n_b is below 2
   */
  public CostMoments at(long version, Staleness staleness) {
    double[] weights = new double[costs.size()];
    double latest = costs.isEmpty() ? 1 : weight(costs.getLast(), version, staleness);
    double sum = 0;
    double squares = 0;
    double mean = 0;
    int counted = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = latest == 0 ? 0 : weight(costs.get(i), version, staleness) / latest;
      sum += weights[i];
      squares += weights[i] * weights[i];
      mean += weights[i] * costs.get(i).cost();
      counted += weights[i] > 0 ? 1 : 0;
    }
    Require.atLeast(counted, 2, "costs that count");
    mean /= sum;
    double deviations = 0;
    for (int i = 0; i < weights.length; i++) {
      double gap = costs.get(i).cost() - mean;
      deviations += weights[i] * gap * gap;
    }
    double size = sum * sum / squares;
    if (size < 2) {
      throw new IllegalArgumentException("effective size: " + size + " (expected: >= 2)");
    }
    return new CostMoments(mean, Math.sqrt(deviations / (sum - squares / sum)), size);
  }

  private static double weight(TaggedCost cost, long version, Staleness staleness) {
    return staleness.weight(version - cost.version());
  }
}
