package io.ballast.rl.algorithm;

import io.ballast.rl.stats.RunningMoments;
import java.util.OptionalDouble;

/**
 * What an algorithm remembers from one iteration to the next, beside the weights.
 *
 * @param rewards the moments of all rewards so far, as they were judged
 * @param returns the moments of all returns so far, after shaping and the KL in them
 * @param klCoefficient of the KL to the reference, where it was moved to a {@link KlTarget}
 * @param texts how many texts the updates so far took beside their samples, ≥ 0
 */
public record RecipeState(
    RunningMoments rewards, RunningMoments returns, OptionalDouble klCoefficient, long texts) {
  /** Before the first iteration. */
  public static RecipeState initial() {
    return new RecipeState(
        RunningMoments.empty(), RunningMoments.empty(), OptionalDouble.empty(), 0);
  }

  /** Returns a copy with another coefficient of the KL. */
  RecipeState withKlCoefficient(double value) {
    return new RecipeState(rewards, returns, OptionalDouble.of(value), texts);
  }

  /** Returns a copy after {@code value} texts. */
  public RecipeState withTexts(long value) {
    return new RecipeState(rewards, returns, klCoefficient, value);
  }
}
