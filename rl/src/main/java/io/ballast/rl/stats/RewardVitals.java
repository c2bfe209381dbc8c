package io.ballast.rl.stats;

import io.ballast.rl.check.Require;
import java.util.OptionalDouble;

/**
 * What to watch of a reward that is optimised; means over one iteration's completions.
 *
 * @param proxy the reward that is optimised, finite
 * @param gold what the proxy stands for, on the proxy's scale, finite; empty where nobody measured
 *     it this time
 * @param spread the reward members' standard deviation, ≥ 0; empty of a reward without members
 */
public record RewardVitals(double proxy, OptionalDouble gold, OptionalDouble spread) {
  /** Checks the ranges above. */
  public RewardVitals {
    Require.finite(proxy, "proxy");
    gold.ifPresent(value -> Require.finite(value, "gold"));
    spread.ifPresent(value -> Require.notNegative(value, "spread"));
  }
}
