package io.ballast.safety.core.gate;

import java.util.OptionalDouble;

/**
 * What reward and cost models say of a suggestion.
 *
 * @param reward in the unit of the reward model that the gate was trained with
 * @param rewardSpread how much the ensemble's members disagree, same unit, ≥ 0
 * @param harmProbability 0 to 1
 */
public record GateScores(
    OptionalDouble reward, OptionalDouble rewardSpread, OptionalDouble harmProbability) {
  /** Nobody was asked. */
  public static GateScores none() {
    return new GateScores(OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());
  }
}
