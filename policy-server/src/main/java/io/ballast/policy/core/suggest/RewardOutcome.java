package io.ballast.policy.core.suggest;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import java.util.OptionalDouble;

/** The reward of one completion, or why there is none. */
public sealed interface RewardOutcome {
  /**
   * A reward.
   *
   * @param value dimensionless, finite, higher is better
   * @param spread the standard deviation of the members' scores (divided by K); empty of a
   *     composite
   * @param rewardModel the ensemble that answered
   */
  record Scored(double value, OptionalDouble spread, PinnedVersion rewardModel)
      implements RewardOutcome {}

  /** No reward. */
  record Missing(ItemFault fault) implements RewardOutcome {}
}
