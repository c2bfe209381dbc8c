package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.ConstraintMethod;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Takes the updates of one iteration; see {@link PolicyUpdate#apply} for what they are.
 *
 * @param recipe as the state before makes it
 */
record Updates(
    Trainee trainee,
    RunSpec spec,
    Recipe recipe,
    int iteration,
    JudgedRollout rollout,
    Constraints constraints,
    int maxTokensPerPass,
    TextTerm texts) {
  PolicyUpdate take(RecipeState before) {
    Passes all =
        Passes.split(
            JudgedSamples.batch(rollout, recipe, constraints), prompts(), maxTokensPerPass);
    try {
      return taken(all, before);
    } catch (ModelException e) {
      if (e.reason() != ModelException.Reason.BROKEN) {
        throw e;
      }
      return unreadable(all, e, before); // nothing was stepped: later updates fail within it
    }
  }

  private PolicyUpdate taken(Passes judged, RecipeState before) {
    Passes all = judged;
    if (readsTheReference()) {
      all =
          all.with(
              PerTokenName.REFERENCE_LOG_PROB,
              trainee.scores(all.groups(), WhichWeights.REFERENCE));
    }
    if (readsThePolicyFirst()) {
      all = scored(all, trainee.scores(all.groups(), WhichWeights.CURRENT));
    }
    RecipeSteps.Prepared prepared;
    try {
      prepared = prepared(all.batch(), before);
    } catch (ArithmeticException | IllegalArgumentException e) {
      return none(
          UpdateOutcome.NOT_FINITE,
          String.valueOf(e.getMessage()),
          Watched.of(seen(all)),
          before,
          rollout.groups());
    }
    return prepared.batch().isPresent()
        ? updated(all.batch(), prepared, before)
        : none(
            UpdateOutcome.NO_SIGNAL,
            "the rewards of every group are equal, or every completion is masked",
            Watched.of(seen(all)),
            prepared.next(),
            List.of());
  }

  /**
   * What the model says of some completions is not finite: nothing is learned from any, and what is
   * seen is of the others.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if there are no others: then it
   *     is not a sample that is to blame, but the weights
   */
  private PolicyUpdate unreadable(Passes all, ModelException failure, RecipeState before) {
    List<Group> finite = new ArrayList<>();
    Set<Integer> blamed = new TreeSet<>();
    for (int i = 0; i < all.groups().size(); i++) {
      Passes one = all.only(i);
      try {
        if (readsTheReference()) {
          one =
              one.with(
                  PerTokenName.REFERENCE_LOG_PROB,
                  trainee.scores(one.groups(), WhichWeights.REFERENCE));
        }
        finite.addAll(
            scored(one, trainee.scores(one.groups(), WhichWeights.CURRENT)).batch().groups());
      } catch (ModelException e) {
        if (e.reason() != ModelException.Reason.BROKEN) {
          throw e;
        }
        blamed.add(Integer.parseInt(all.batch().groups().get(i).groupId()));
      }
    }
    if (finite.stream().flatMap(group -> group.samples().stream()).noneMatch(Watched::sees)) {
      throw Faults.precondition(
          "in iteration %d the weights, or the reference, say nothing finite of any completion: %s"
              .formatted(iteration, failure.getMessage()));
    }
    List<JudgedGroup> suspects =
        blamed.isEmpty() ? rollout.groups() : blamed.stream().map(rollout.groups()::get).toList();
    return none(
        UpdateOutcome.NOT_FINITE,
        blamed.isEmpty()
            ? "%s; no prompt alone is to blame".formatted(failure.getMessage())
            : NotFinite.words(failure, suspects),
        Watched.of(new Batch(finite)),
        before,
        suspects);
  }

  /** With what the policy says of it, whether the recipe asked before or not. */
  private Batch seen(Passes passes) {
    return readsThePolicyFirst()
        ? passes.batch()
        : scored(passes, trainee.scores(passes.groups(), WhichWeights.CURRENT)).batch();
  }

  /** What is sampled is what is learned from, and its loss alone reads the policy. */
  private boolean readsThePolicyFirst() {
    return recipe.rewardKl().coefficient() > 0
        || constraints.method().klInReturn()
        || recipe.leavesOut()
        || recipe.advantage().critic();
  }

  /** A pass over the reference is a third of an update: none where nobody looks at it. */
  private boolean readsTheReference() {
    return recipe.rewardKl().coefficient() > 0
        || recipe.klTarget() != null
        || constraints.method().klInReturn()
        || recipe.objective().requires().contains(PerTokenName.REFERENCE_LOG_PROB)
        || spec.measuresKl(iteration);
  }

  private List<TokenIds> prompts() {
    return rollout.groups().stream().map(JudgedGroup::promptTokens).toList();
  }

  private Passes scored(Passes passes, List<GroupScores> current) {
    return passes.said(current, recipe.advantage().critic());
  }

  /** Parts of a group are one again: what is compared within a group sees all of it. */
  private Batch whole(Batch parts) {
    List<Group> groups = new ArrayList<>();
    for (Group part : parts.groups()) {
      if (!groups.isEmpty() && groups.getLast().groupId().equals(part.groupId())) {
        List<Sample> samples = new ArrayList<>(groups.removeLast().samples());
        samples.addAll(part.samples());
        groups.add(new Group(part.groupId(), samples));
      } else {
        groups.add(part);
      }
    }
    return new Batch(groups);
  }

  private RecipeSteps.Prepared prepared(Batch parts, RecipeState before) {
    Batch batch = whole(parts);
    if (constraints.method() == ConstraintMethod.PPO_LAGRANGIAN) {
      return new RecipeSteps.Prepared(
          Optional.of(
              byGroup(
                  batch,
                  (group, judged) ->
                      group.withAdvantages(constraints.lagrangian(judged, kl(group))))),
          before);
    }
    if (constraints.method() == ConstraintMethod.HC_RLHF) {
      batch =
          byGroup(
              batch, (group, judged) -> withRewards(group, constraints.worths(judged, kl(group))));
    }
    return new RecipeSteps(recipe, spec.rollout().maxNewTokens()).prepare(batch, before);
  }

  /** What becomes of a group of samples and of what was judged. */
  @FunctionalInterface
  private interface Change {
    Group of(Group group, JudgedGroup judged);
  }

  private Batch byGroup(Batch batch, Change change) {
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < batch.groups().size(); i++) {
      groups.add(change.of(batch.groups().get(i), rollout.groups().get(i)));
    }
    return new Batch(groups);
  }

  private static Group withRewards(Group group, double[] rewards) {
    List<Sample> samples = new ArrayList<>();
    for (int g = 0; g < group.size(); g++) {
      samples.add(
          group
              .samples()
              .get(g)
              .with(PerSequenceName.COST, 0)
              .with(PerSequenceName.REWARD, rewards[g]));
    }
    return new Group(group.groupId(), samples);
  }

  /** Σₜ (log π − log π_ref) of every completion of a group, nats. */
  private static double[] kl(Group group) {
    return group.samples().stream()
        .mapToDouble(
            sample ->
                sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB).sum()
                    - sample.numbers(PerTokenName.REFERENCE_LOG_PROB).sum())
        .toArray();
  }

  private PolicyUpdate updated(Batch judged, RecipeSteps.Prepared prepared, RecipeState before) {
    Batch batch = prepared.batch().orElseThrow();
    return switch (steps().take(batch, before.texts())) {
      case UpdateSteps.Outcome.Refused(NotFinite.Diagnosis why, Passes of) ->
          none(
              UpdateOutcome.NOT_FINITE,
              why.words(),
              Watched.of(readsThePolicyFirst() ? judged : seen(of)),
              before,
              why.suspects(rollout.groups()));
      case UpdateSteps.Outcome.Taken(
              UpdateSteps.Update first,
              Batch seen,
              long textsTaken,
              UpdateSteps.LeftOut leftOut) -> {
        Watched watched = Watched.of(readsThePolicyFirst() ? judged : seen);
        yield new PolicyUpdate(
            first.loss().value(),
            first.gradientNorm(),
            new LearningMetrics(
                UpdateOutcome.UPDATED,
                leftOut.words(),
                batch.samples().size(),
                first.learningRate(),
                watched.maxTrainServeGapNats(),
                metrics(first.metrics())),
            watched,
            prepared.next().withTexts(textsTaken),
            leftOut.suspects());
      }
    };
  }

  private UpdateSteps steps() {
    return new UpdateSteps(
        trainee, spec, recipe, iteration, rollout.groups(), maxTokensPerPass, texts);
  }

  private Map<String, Double> metrics(Map<String, Double> ofLoss) {
    Map<String, Double> metrics = new HashMap<>(ofLoss);
    if (recipe.klTarget() != null) {
      metrics.put("kl_coefficient", recipe.klCoefficient());
    }
    if (recipe.criticWarmup() > 0) {
      metrics.put("critic_alone", recipe.warmsUp(iteration) ? 1.0 : 0.0);
    }
    return metrics;
  }

  private PolicyUpdate none(
      UpdateOutcome outcome,
      String message,
      Watched watched,
      RecipeState next,
      List<JudgedGroup> suspects) {
    return new PolicyUpdate(
        0,
        0,
        new LearningMetrics(
            outcome, message, 0, steps().rate(), watched.maxTrainServeGapNats(), metrics(Map.of())),
        watched,
        next,
        suspects);
  }
}
