package io.ballast.rl.algorithm;

import io.ballast.rl.stats.RunningMoments;

/**
 * What an algorithm remembers from one iteration to the next, beside the weights.
 *
 * @param rewards the moments of all rewards so far, as they were judged
 * @param returns the moments of all returns so far, after shaping and the KL in them
 */
public record RecipeState(RunningMoments rewards, RunningMoments returns) {
  /** Before the first iteration. */
  public static RecipeState initial() {
    return new RecipeState(RunningMoments.empty(), RunningMoments.empty());
  }
}
