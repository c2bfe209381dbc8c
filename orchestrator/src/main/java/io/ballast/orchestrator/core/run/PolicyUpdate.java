package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeState;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The updates of one iteration. Log-probabilities of the behaviour policy are the learner's own,
 * from its first pass, so that the first ratio is exactly 1 whatever arithmetic serves; with
 * minibatches from a pass over all of them before the first.
 *
 * @param loss at the first update; 0 without one
 * @param gradientNorm at the first update, before clipping; 0 without one
 * @param learning what they did
 * @param watched the policy that sampled, before the first update
 * @param next what the algorithm remembers
 * @param suspects of an update that was not finite, the first or a later one: the groups that made
 *     it so, or all of them where none alone did
 */
record PolicyUpdate(
    double loss,
    double gradientNorm,
    LearningMetrics learning,
    Watched watched,
    RecipeState next,
    List<JudgedGroup> suspects) {
  /**
   * Takes the updates that {@code spec} asks for.
   *
   * @param iteration counts from 1; says whether the KL to the reference is to be known
   * @param texts beside the loss
   */
  static PolicyUpdate apply(
      Trainee trainee,
      RunSpec spec,
      int iteration,
      JudgedRollout rollout,
      Constraints constraints,
      RecipeState before,
      int maxTokensPerPass,
      TextTerm texts) {
    Recipe recipe = spec.recipe().at(before);
    PolicyUpdate taken =
        new Updates(trainee, spec, recipe, iteration, rollout, constraints, maxTokensPerPass, texts)
            .take(before);
    OptionalDouble kl = taken.watched().klNats();
    boolean moved =
        taken.learning().outcome() == UpdateOutcome.UPDATED && !recipe.warmsUp(iteration);
    return !moved || kl.isEmpty()
        ? taken
        : taken.withNext(recipe.steered(taken.next(), kl.getAsDouble(), rollout.size()));
  }

  private PolicyUpdate withNext(RecipeState value) {
    return new PolicyUpdate(loss, gradientNorm, learning, watched, value, suspects);
  }

  PolicyUpdate withMessage(String value) {
    return new PolicyUpdate(
        loss, gradientNorm, learning.withMessage(value), watched, next, suspects);
  }
}
