package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.RecipeState;
import java.util.List;
import java.util.OptionalDouble;

/** An update on samples that a test writes down: mostly a good and a bad completion of a prompt. */
final class UpdateByHand {
  static final TokenIds PROMPT = TokenIds.of(1, 2);

  /** To a {@link io.ballast.orchestrator.testing.OneWeightTrainee} its features are 0.1, 0.2. */
  static final TokenIds GOOD = TokenIds.of(4, 5);

  /** Its features are −0.3, −0.2. */
  static final TokenIds BAD = TokenIds.of(7, 8);

  private UpdateByHand() {}

  /** Sampled by a policy to which every token was certain. */
  static JudgedCompletion judged(TokenIds tokens, double reward) {
    return new JudgedCompletion(
        new SampledCompletion(tokens, "", PerToken.of(new float[tokens.size()]), false),
        reward,
        OptionalDouble.empty(),
        List.of(0.0));
  }

  /** As data has it, whatever it is rewarded with. */
  static JudgedCompletion labelled(TokenIds tokens, OptionalDouble reward, Label label) {
    return new JudgedCompletion(
        new SampledCompletion(tokens, "", PerToken.of(), false, label),
        reward,
        OptionalDouble.empty(),
        List.of(0.0));
  }

  static JudgedGroup group(String prompt, JudgedCompletion... completions) {
    return new JudgedGroup(prompt, PROMPT, List.of(completions), List.of());
  }

  static JudgedGroup group(double good, double bad) {
    return group("p", judged(GOOD, good), judged(BAD, bad));
  }

  static JudgedRollout rollout(JudgedGroup... groups) {
    return new JudgedRollout(List.of(groups), 0, List.of());
  }

  /** The first update, without texts. */
  static PolicyUpdate update(Trainee trainee, RunSpec spec, JudgedGroup... groups) {
    return update(trainee, spec, 1, rollout(groups), RecipeState.initial());
  }

  /** An update without texts. */
  static PolicyUpdate update(
      Trainee trainee, RunSpec spec, int iteration, JudgedRollout rollout, RecipeState state) {
    return update(trainee, spec, iteration, rollout, state, TextTerm.NONE);
  }

  static PolicyUpdate update(
      Trainee trainee,
      RunSpec spec,
      int iteration,
      JudgedRollout rollout,
      RecipeState state,
      TextTerm texts) {
    Constraints constraints =
        Constraints.after(spec, LoopState.initial(spec.constraints()), iteration, 10, rollout);
    return PolicyUpdate.apply(trainee, spec, iteration, rollout, constraints, state, 64, texts);
  }
}
