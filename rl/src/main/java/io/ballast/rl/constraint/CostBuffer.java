package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.stats.Moments;
import java.util.Arrays;

/**
 * The latest costs, first in, first out. Immutable: adding returns the next state, which is all
 * there is to store.
 *
 * <p>Source: the estimation buffer of HC-RLHF, arXiv:2506.08266 (256 a device there). Its costs
 * come from several versions of the policy, so the bound made of it lags; a capacity of one
 * iteration's costs removes the lag.
 *
 * @param capacity the most costs kept, ≥ 1
 * @param costs oldest first, at most {@code capacity}, finite
 */
public record CostBuffer(int capacity, Numbers costs) {
  /** Checks the ranges above. */
  public CostBuffer {
    Require.atLeast(capacity, 1, "capacity");
    if (costs.size() > capacity) {
      throw new IllegalArgumentException(
          "costs: " + costs.size() + " elements (expected: at most " + capacity + ")");
    }
  }

  /** An empty buffer. */
  public static CostBuffer ofCapacity(int capacity) {
    return new CostBuffer(capacity, Numbers.of());
  }

  /** Returns the buffer after {@code more}, finite, pushed the oldest out. */
  public CostBuffer add(double... more) {
    double[] all = Arrays.copyOf(costs.toArray(), costs.size() + more.length);
    System.arraycopy(more, 0, all, costs.size(), more.length);
    int from = Math.max(0, all.length - capacity);
    return new CostBuffer(capacity, Numbers.of(Arrays.copyOfRange(all, from, all.length)));
  }

  /** How many costs there are. */
  public int size() {
    return costs.size();
  }

  /** The mean cost; refused while empty. */
  public double mean() {
    return Moments.mean(costs.toArray());
  }

  /** Mean, deviation and number of the costs; refused with fewer than two. */
  public CostMoments moments() {
    return new CostMoments(mean(), sampleStd(), size());
  }

  /** The standard deviation divided by n − 1; refused with fewer than two costs. */
  public double sampleStd() {
    return Moments.sampleStd(costs.toArray());
  }
}
