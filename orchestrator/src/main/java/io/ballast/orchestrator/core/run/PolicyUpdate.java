package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.CompletionKl;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.ConstraintMethod;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Need;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.algorithm.SourceKind;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The updates of one iteration. Log-probabilities of the behaviour policy are the learner's own,
 * from its first pass, so that the first ratio is exactly 1 whatever arithmetic serves.
 *
 * @param loss at the first update; 0 without one
 * @param gradientNorm at the first update, before clipping; 0 without one
 * @param learning what they did
 * @param watched the policy that sampled, before the first update
 * @param next what the algorithm remembers
 * @param suspects of an update that was not finite: the group that made it so, or all of them where
 *     none alone did
 */
record PolicyUpdate(
    double loss,
    double gradientNorm,
    LearningMetrics learning,
    Watched watched,
    RecipeState next,
    List<JudgedGroup> suspects) {
  /**
   * What is worth seeing of the policy that sampled.
   *
   * @param klNats mean KL(π ‖ π_ref) of a completion, {@link CompletionKl}; empty where the
   *     reference was not asked
   * @param entropyNats mean of a token
   * @param trainServeGapNats mean absolute difference of a token's log-probability, learner's less
   *     server's; 0 of data, which no server sampled
   * @param maxTrainServeGapNats the largest of a token
   */
  record Watched(
      OptionalDouble klNats,
      double entropyNats,
      double trainServeGapNats,
      double maxTrainServeGapNats) {}

  /**
   * Takes the updates that {@code spec} asks for.
   *
   * @param iteration counts from 1; says whether the KL to the reference is to be known
   */
  static PolicyUpdate apply(
      Trainee trainee,
      RunSpec spec,
      int iteration,
      JudgedRollout rollout,
      Constraints constraints,
      RecipeState before,
      int maxTokensPerPass) {
    Recipe recipe = spec.recipe().at(before);
    PolicyUpdate taken =
        new Taking(trainee, spec, recipe, iteration, rollout, constraints, maxTokensPerPass)
            .take(before);
    OptionalDouble kl = taken.watched().klNats();
    return taken.learning().outcome() != UpdateOutcome.UPDATED || kl.isEmpty()
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

  private record Taking(
      Trainee trainee,
      RunSpec spec,
      Recipe recipe,
      int iteration,
      JudgedRollout rollout,
      Constraints constraints,
      int maxTokensPerPass) {
    PolicyUpdate take(RecipeState before) {
      Passes all = Passes.split(judged(), prompts(), maxTokensPerPass);
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
            watched(seen(all)),
            before,
            rollout.groups());
      }
      return prepared.batch().isPresent()
          ? updated(all.batch(), prepared, before)
          : none(
              UpdateOutcome.NO_SIGNAL,
              "the rewards of every group are equal, or every completion is masked",
              watched(seen(all)),
              prepared.next(),
              List.of());
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

    private Batch judged() {
      List<Group> groups = new ArrayList<>();
      SampleRole beside =
          recipe.source() == SourceKind.POLICY_AND_REFERENCE
              ? SampleRole.REFERENCE_ROLLOUT
              : SampleRole.BASELINE;
      for (JudgedGroup group : rollout.groups()) {
        List<Sample> samples = new ArrayList<>();
        group
            .completions()
            .forEach(each -> samples.add(JudgedSamples.of(each, recipe, constraints)));
        group
            .beside()
            .forEach(
                each -> samples.add(beside(JudgedSamples.of(each, recipe, constraints), beside)));
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

    private Passes scored(Passes passes, List<GroupScores> current) {
      Passes scored =
          passes
              .with(PerTokenName.BEHAVIOUR_LOG_PROB, current)
              .with(PerTokenName.ENTROPY, current, GroupScores::entropies);
      return recipe.advantage().critic()
          ? scored.with(PerTokenName.BEHAVIOUR_VALUE, current, GroupScores::values)
          : scored;
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
                batch,
                (group, judged) -> withRewards(group, constraints.worths(judged, kl(group))));
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
      Objective objective = recipe.objective();
      Batch batch =
          prepared
              .batch()
              .orElseThrow()
              .map(sample -> sample.without(PerTokenName.BEHAVIOUR_LOG_PROB));
      Passes passes =
          recipe.loss().kind().facts().needs().contains(Need.PAIRS)
              ? Passes.whole(batch, prompts())
              : Passes.split(batch, prompts(), maxTokensPerPass);
      Batch complete = withBaseline(passes);
      BatchLoss first = new BatchLoss(objective, complete);
      double rate = rate();
      List<GroupScores> behaviour;
      double norm;
      try {
        behaviour = trainee.forwardBackward(passes.groups(), first);
        norm = trainee.step(rate);
      } catch (ArithmeticException | IllegalArgumentException e) {
        return notFinite(objective, new Passes(complete, passes.groups()), judged, e, before);
      } catch (ModelException e) {
        if (e.reason() != ModelException.Reason.BROKEN) {
          throw e;
        }
        return notFinite(objective, new Passes(complete, passes.groups()), judged, e, before);
      }
      Passes later = scored(passes, behaviour);
      String stopped = laterUpdates(objective, later);
      Watched watched = watched(readsThePolicyFirst() ? judged : later.batch());
      return new PolicyUpdate(
          first.value(),
          norm,
          new LearningMetrics(
              UpdateOutcome.UPDATED,
              stopped,
              batch.samples().size(),
              rate,
              watched.maxTrainServeGapNats(),
              metrics(first.metrics())),
          watched,
          prepared.next(),
          List.of());
    }

    private Map<String, Double> metrics(Map<String, Double> ofLoss) {
      if (recipe.klTarget() == null) {
        return ofLoss;
      }
      Map<String, Double> metrics = new HashMap<>(ofLoss);
      metrics.put("kl_coefficient", recipe.klCoefficient());
      return metrics;
    }

    /** Those after the first, on the same samples; why the rest was left out, or empty. */
    private String laterUpdates(Objective objective, Passes later) {
      for (int update = 2; update <= spec.updatesPerIteration(); update++) {
        try {
          var unused =
              trainee.forwardBackward(
                  later.groups(), new BatchLoss(objective, withBaseline(later)));
          var norm = trainee.step(rate());
        } catch (ArithmeticException | IllegalArgumentException e) {
          return leftOut(update, e);
        } catch (ModelException e) {
          if (e.reason() != ModelException.Reason.BROKEN) {
            throw e;
          }
          return leftOut(update, e);
        }
      }
      return "";
    }

    private String leftOut(int update, RuntimeException failure) {
      return "updates %d to %d were left out: %s"
          .formatted(update, spec.updatesPerIteration(), failure.getMessage());
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
              outcome, message, 0, rate(), watched.maxTrainServeGapNats(), metrics(Map.of())),
          watched,
          next,
          suspects);
    }

    private PolicyUpdate notFinite(
        Objective objective,
        Passes passes,
        Batch judged,
        RuntimeException failure,
        RecipeState before) {
      NotFinite.Diagnosis diagnosis =
          NotFinite.diagnosis(
              trainee,
              objective,
              passes,
              failure,
              group -> rollout.groups().get(Integer.parseInt(group.groupId())).prompt());
      return none(
          UpdateOutcome.NOT_FINITE,
          diagnosis.words(),
          watched(readsThePolicyFirst() ? judged : seen(passes)),
          before,
          diagnosis.prompt().isPresent()
              ? List.of(rollout.groups().get(diagnosis.prompt().getAsInt()))
              : rollout.groups());
    }

    private double rate() {
      return spec.learningRate().rate(trainee.updatesCount() + 1);
    }

    /**
     * With ratings, KTO's estimate of KL(π ‖ π_ref): of each group's first completion after the
     * prompt of another group, under the weights as they are now.
     */
    private Batch withBaseline(Passes passes) {
      if (!recipe.loss().kind().facts().needs().contains(Need.RATINGS)) {
        return passes.batch();
      }
      List<Group> groups = passes.batch().groups();
      if (groups.stream().map(Group::groupId).distinct().count() < 2) {
        return passes.batch(); // no other prompt: z is 0
      }
      List<Group> mismatched = new ArrayList<>();
      for (int i = 0; i < groups.size(); i++) {
        String other = otherPrompt(groups, i);
        mismatched.add(new Group(other, List.of(groups.get(i).samples().getFirst())));
      }
      Passes beside = Passes.whole(new Batch(mismatched), prompts());
      beside =
          beside
              .with(
                  PerTokenName.CURRENT_LOG_PROB,
                  trainee.scores(beside.groups(), WhichWeights.CURRENT))
              .with(
                  PerTokenName.REFERENCE_LOG_PROB,
                  trainee.scores(beside.groups(), WhichWeights.REFERENCE));
      double z =
          beside.batch().samples().stream()
              .mapToDouble(
                  sample ->
                      sample.maskedSum(PerTokenName.CURRENT_LOG_PROB)
                          - sample.maskedSum(PerTokenName.REFERENCE_LOG_PROB))
              .average()
              .orElse(0);
      double baseline = Math.max(0, z);
      return passes
          .batch()
          .map(sample -> sample.with(PerSequenceName.PREFERENCE_BASELINE, baseline));
    }

    /** The prompt of the next group that has another. */
    private static String otherPrompt(List<Group> groups, int index) {
      int next = index;
      do {
        next = (next + 1) % groups.size();
      } while (groups.get(next).groupId().equals(groups.get(index).groupId()));
      return groups.get(next).groupId();
    }

    private static Watched watched(Batch batch) {
      boolean measured = false;
      double kl = 0;
      double entropy = 0;
      double gap = 0;
      double largest = 0;
      long tokens = 0;
      int completions = 0;
      for (Sample sample : batch.samples()) {
        if (sample.role() == SampleRole.BASELINE || sample.role() == SampleRole.REFERENCE_ROLLOUT) {
          continue;
        }
        Numbers policy = sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB);
        boolean sampled = sample.perToken().has(PerTokenName.SERVED_LOG_PROB);
        completions++;
        tokens += sample.size();
        entropy += sample.numbers(PerTokenName.ENTROPY).sum();
        if (sample.perToken().has(PerTokenName.REFERENCE_LOG_PROB)) {
          measured = true;
          kl += CompletionKl.nats(sample, PerTokenName.BEHAVIOUR_LOG_PROB);
        }
        for (int t = 0; t < sample.size(); t++) {
          if (sampled) {
            double served = sample.numbers(PerTokenName.SERVED_LOG_PROB).get(t);
            double apart = Math.abs(policy.get(t) - served);
            gap += apart;
            largest = Math.max(largest, apart);
          }
        }
      }
      return new Watched(
          measured ? OptionalDouble.of(kl / completions) : OptionalDouble.empty(),
          entropy / tokens,
          gap / tokens,
          largest);
    }
  }
}
