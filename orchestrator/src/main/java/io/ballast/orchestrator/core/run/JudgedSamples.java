package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.algorithm.SourceKind;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.List;

/** What was judged, in the words of the mathematics. */
final class JudgedSamples {
  private JudgedSamples() {}

  /** Everything that an iteration has; a group's id is its index. */
  static Batch batch(JudgedRollout rollout, Recipe recipe, Constraints constraints) {
    SampleRole role =
        recipe.source() == SourceKind.POLICY_AND_REFERENCE
            ? SampleRole.REFERENCE_ROLLOUT
            : SampleRole.BASELINE;
    List<Group> groups = new ArrayList<>();
    for (JudgedGroup group : rollout.groups()) {
      List<Sample> samples = new ArrayList<>();
      group.completions().forEach(each -> samples.add(of(each, recipe, constraints)));
      group.beside().forEach(each -> samples.add(beside(of(each, recipe, constraints), role)));
      groups.add(new Group(Integer.toString(groups.size()), samples));
    }
    return new Batch(groups);
  }

  /** What the reference wrote, the server says of other weights than those in training. */
  private static Sample beside(Sample sample, SampleRole role) {
    return role == SampleRole.REFERENCE_ROLLOUT
        ? sample.with(role).without(PerTokenName.SERVED_LOG_PROB)
        : sample.with(role);
  }

  /** A completion with its reward, where {@code recipe} reads it, and the price of its harm. */
  static Sample of(JudgedCompletion judged, Recipe recipe, Constraints constraints) {
    Label label = judged.completion().label();
    Sample sample = Sample.rollout(TokenIds.of(judged.completion().tokens().toArray()));
    if (label == Label.NONE) {
      sample =
          sample.with(
              PerTokenName.SERVED_LOG_PROB, BatchLoss.doubles(judged.completion().logProbs()));
    }
    sample =
        sample
            .with(role(label))
            .with(PerSequenceName.TRUNCATED, judged.completion().truncated() ? 1 : 0)
            .with(PerSequenceName.COST, constraints.price(judged));
    return recipe.readsRewards()
        ? sample.with(PerSequenceName.REWARD, judged.rewardLearnedBy())
        : sample;
  }

  /**
   * Whether {@code group} has a signal, by the selector of {@code spec}. One whose numbers are too
   * large to say has one: the update names it.
   */
  static boolean signal(JudgedGroup group, RunSpec spec, Constraints prices) {
    try {
      return new RecipeSteps(spec.recipe(), spec.rollout().maxNewTokens())
          .keeps(
              new Group(
                  "",
                  group.completions().stream()
                      .map(each -> of(each, spec.recipe(), prices))
                      .toList()));
    } catch (ArithmeticException | IllegalArgumentException e) {
      return true;
    }
  }

  private static SampleRole role(Label label) {
    return switch (label) {
      case NONE -> SampleRole.ROLLOUT;
      case CHOSEN -> SampleRole.CHOSEN;
      case REJECTED -> SampleRole.REJECTED;
    };
  }
}
