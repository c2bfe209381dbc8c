package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.RewardSpec;
import java.util.List;
import java.util.OptionalDouble;

/** Rewards completions. Idempotent. */
@FunctionalInterface
public interface RewardOracle {
  /**
   * Rewards every item; one that cannot be rewarded fails alone.
   *
   * @return in the order of the items
   * @throws io.ballast.kit.error.MeshException if the call failed as a whole
   */
  List<Outcome> score(String tenant, RewardSpec spec, List<Judgeable> items);

  /** A reward, or why there is none: never a number made up. */
  sealed interface Outcome {
    /**
     * The reward.
     *
     * @param reward finite
     * @param spread the members' standard deviation, ≥ 0; empty of a composite, which has none
     */
    record Value(double reward, OptionalDouble spread) implements Outcome {}

    /** Why there is none. */
    record Missing(String reason) implements Outcome {}
  }
}
