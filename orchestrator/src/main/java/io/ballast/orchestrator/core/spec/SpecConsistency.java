package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.algorithm.KlTarget;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.SelectorKind;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.objective.LossAggregation;
import java.util.List;
import java.util.Locale;

/** Refuses choices that do not go together in a run that is to learn, with the reason. */
final class SpecConsistency {
  private static final int MOST_PARTS = 1_000;
  private static final double ROUNDING = 1e-9;

  private SpecConsistency() {}

  /**
   * Looks at all of them.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the key
   */
  static void require(RunSpec spec) {
    requireOneConstraint(spec);
    requireOneRecipe(spec.recipe());
    requireData(spec);
    requireOneUpdate(spec);
    requireWholeMinibatches(spec);
    requireTemperature(spec);
    requireHorizon(spec);
    requireFreshCosts(spec);
    requireCorrection(spec);
    requireCostsThatCount(spec);
    requireWatchedWeights(spec);
    requireOtherGold(spec);
    requireOtherJudges(spec);
    requireOtherMeasures(spec);
    requireShareable(spec.constraints());
    requireEvaluatedWeights(spec);
  }

  /** An average of the best weights is not what was found to be best. */
  private static void requireEvaluatedWeights(RunSpec spec) {
    EvaluationSpec evaluation = spec.evaluation();
    if (spec.trainee().averageDecay() != null
        && evaluation != null
        && evaluation.candidate() != CandidateChoice.LAST) {
      throw Faults.malformed(
          "average",
          "beside candidate %s (expected: candidate LAST: what is evaluated are the weights, and not their average)"
              .formatted(evaluation.candidate()));
    }
  }

  static void requireOneRecipe(Recipe recipe) {
    for (Recipe.Flaw flaw : recipe.flaws()) {
      String key =
          switch (flaw.part().stage()) {
            case OBJECTIVE -> "objective.kind";
            case SOURCE, SHAPING, SELECTOR, ADVANTAGE ->
                flaw.part().stage().name().toLowerCase(Locale.ROOT);
          };
      throw Faults.malformed(
          key, "%s (expected: another: %s)".formatted(flaw.part().name(), flaw.reason()));
    }
  }

  /** What is learned from and who writes it must be the same; and data has labels, not rewards. */
  private static void requireData(RunSpec spec) {
    for (int s = 0; s < spec.prompts().size(); s++) {
      PromptSource rows = spec.prompts().get(s).rows();
      if (rows.labelled() != spec.fromData()) {
        throw Faults.malformed(
            spec.promptsKey(s),
            spec.fromData()
                ? "no labels (expected: pairs or ratings with source DATA)"
                : "%s (expected: file for the prompts alone, or source DATA, as of algorithm DPO)"
                    .formatted(kind(rows)));
      }
      if (spec.recipe().selector() == SelectorKind.PAIRS_OF_DATA && !pairs(rows)) {
        throw Faults.malformed(
            spec.promptsKey(s),
            "%s (expected: pairs with %s, which compares two completions of a prompt)"
                .formatted(kind(rows), spec.recipe().loss().kind()));
      }
    }
    if (!spec.fromData()) {
      return;
    }
    if (spec.follows() && spec.prompts().size() > 1) {
      throw Faults.malformed(
          "prompts",
          "%d sources (expected: one with feedback.follow: what people say comes as it comes, and has no share)"
              .formatted(spec.prompts().size()));
    }
    if (spec.follows() && spec.ptx() != null) {
      throw Faults.malformed(
          "ptx",
          "beside feedback.follow (expected: absent: what a run follows is the only thing that it learns from)");
    }
    if (spec.constrained()) {
      throw Faults.malformed(
          "constraint.enabled",
          "true (expected: false with source DATA: labels have no price of harm; the safety test judges what was learned from them)");
    }
  }

  private static boolean pairs(PromptSource rows) {
    return rows instanceof PromptSource.InFile file && file.rows() == PromptSource.Rows.PAIRS;
  }

  private static String kind(PromptSource rows) {
    return rows instanceof PromptSource.InFile file ? file.rows().key() : rows.name();
  }

  /** With anything else the method would not be what its name says. */
  private static void requireOneConstraint(RunSpec spec) {
    ConstraintMethod method = spec.method();
    Recipe recipe = spec.recipe();
    if (method.hasMultiplier() && !recipe.advantage().linearInGroup()) {
      throw Faults.malformed(
          "advantage",
          ("%s (expected: RLOO or CENTRED with constraint.method %s: dividing by each group's"
                  + " standard deviation prices harm differently in every group, and other"
                  + " baselines are of the reward alone)")
              .formatted(recipe.advantage(), method));
    }
    if (method.hasMultiplier() && (recipe.leavesOut() || !recipe.shaping().isEmpty())) {
      throw Faults.malformed(
          "constraint.method",
          ("%s (expected: FIXED_PENALTY beside source, shaping or selector: λ is of the costs of"
                  + " all that the policy writes, and of rewards as they are)")
              .formatted(method));
    }
    if (method != ConstraintMethod.HC_RLHF) {
      return;
    }
    ObjectiveKind objective = recipe.loss().kind();
    if (objective != ObjectiveKind.POLICY_GRADIENT) {
      throw Faults.malformed(
          "objective.kind",
          ("%s (expected: POLICY_GRADIENT with constraint.method HC_RLHF: its linearised cost is"
                  + " the gradient of the bound on the policy that sampled)")
              .formatted(objective));
    }
    LossAggregation aggregation = recipe.loss().aggregation().mode();
    if (aggregation != LossAggregation.SEQUENCE_MEAN_TOKEN_SUM) {
      throw Faults.malformed(
          "objective.aggregation",
          ("%s (expected: SEQUENCE_MEAN_TOKEN_SUM with constraint.method HC_RLHF: a mean over"
                  + " tokens prices the same harm lower the longer its completion)")
              .formatted(aggregation));
    }
  }

  private static void requireOneUpdate(RunSpec spec) {
    if (spec.recipe().loss().kind().onPolicy() && spec.updatesPerIteration() > 1) {
      throw Faults.malformed(
          spec.minibatches() > 1 ? "objective.minibatches" : "objective.updates_per_iteration",
          "%d (expected: 1 with %s: it has no ratio, so only the first update is on the policy that sampled)"
              .formatted(
                  spec.minibatches() > 1 ? spec.minibatches() : spec.updatesPerIteration(),
                  spec.recipe().loss().kind()));
    }
  }

  /** Each pass learns from all of an iteration, and each of its updates from a group at least. */
  private static void requireWholeMinibatches(RunSpec spec) {
    if (spec.minibatches() > spec.rollout().promptsPerIteration()) {
      throw Faults.malformed(
          "objective.minibatches",
          "%d (expected: at most rollout.prompts_per_iteration, %,d: what was written to one prompt stays together)"
              .formatted(spec.minibatches(), spec.rollout().promptsPerIteration()));
    }
    if (spec.updatesPerIteration() % spec.minibatches() != 0) {
      throw Faults.malformed(
          "objective.updates_per_iteration",
          "%d (expected: a multiple of objective.minibatches, %d: every pass takes an update on each of them)"
              .formatted(spec.updatesPerIteration(), spec.minibatches()));
    }
  }

  private static void requireTemperature(RunSpec spec) {
    double temperature = spec.rollout().temperature();
    if (temperature == 1) {
      return;
    }
    if (spec.recipe().loss().kind().hasRatio()) {
      throw Faults.malformed(
          "rollout.temperature",
          "%s (expected: 1 with %s: its ratio is between policies at temperature 1)"
              .formatted(temperature, spec.recipe().loss().kind()));
    }
    if (spec.recipe().loss().knobs().values().getOrDefault(Knob.IMPORTANCE_CAP, 0.0) > 0) {
      throw Faults.malformed(
          "rollout.temperature",
          "%s (expected: 1 with objective.importance_cap: its weights are of policies at temperature 1)"
              .formatted(temperature));
    }
    if (spec.method().klInReturn()) {
      throw Faults.malformed(
          "rollout.temperature",
          ("%s (expected: 1 with constraint.method %s: the KL in the return is of policies at"
                  + " temperature 1)")
              .formatted(temperature, spec.method()));
    }
    if (spec.recipe().rewardKl().coefficient() > 0) {
      throw Faults.malformed(
          "rollout.temperature",
          "%s (expected: 1 with kl.place REWARD: it is the KL of policies at temperature 1)"
              .formatted(temperature));
    }
  }

  /** In one iteration the coefficient would otherwise move past what its controller allows. */
  private static void requireHorizon(RunSpec spec) {
    KlTarget target = spec.recipe().klTarget();
    int completions = spec.mostCompletions();
    if (target != null && target.horizonCompletions() < completions) {
      throw Faults.malformed(
          "kl.horizon",
          "%s (expected: at least the %,d completions that an iteration may have)"
              .formatted(target.horizonCompletions(), completions));
    }
  }

  /** A staleness that meets no cost but this iteration's would do nothing. */
  private static void requireFreshCosts(RunSpec spec) {
    int fresh = spec.rollout().samplesCount();
    for (ConstraintSpec each : spec.constraints()) {
      if (!(each.staleness() instanceof Staleness.Keep) && each.buffer() <= fresh) {
        throw Faults.malformed(
            path(spec, each) + ".staleness.kind",
            ("%s (expected: KEEP with a buffer of %,d: one iteration has prompts_per_iteration ·"
                    + " completions_per_prompt, %,d costs, and older ones are never in it)")
                .formatted(
                    each.staleness() instanceof Staleness.Drop ? "DROP" : "FADE",
                    each.buffer(),
                    fresh));
      }
    }
  }

  /** A policy gradient takes its samples for the policy's own unless it is told how likely. */
  private static void requireCorrection(RunSpec spec) {
    LossSpec loss = spec.recipe().loss();
    if (spec.rollout().staleness() > 0
        && loss.knobs().values().getOrDefault(Knob.IMPORTANCE_CAP, 1.0) == 0) {
      throw Faults.malformed(
          "rollout.staleness",
          ("%d (expected: 0 with objective.importance_cap 0; above 0, 2 for one, it corrects for"
                  + " what older weights sampled)")
              .formatted(spec.rollout().staleness()));
    }
  }

  private static void requireCostsThatCount(RunSpec spec) {
    for (ConstraintSpec each : spec.constraints()) {
      if (each.staleness() instanceof Staleness.Drop drop
          && drop.maxLag() < spec.rollout().staleness()) {
        throw Faults.malformed(
            path(spec, each) + ".staleness.versions",
            "%d (expected: at least rollout.staleness, %d, or no cost ever counts)"
                .formatted(drop.maxLag(), spec.rollout().staleness()));
      }
    }
  }

  /** It would go back to weights that were not those which were seen to be good. */
  private static void requireWatchedWeights(RunSpec spec) {
    if (spec.rollout().staleness() > 0 && spec.watch().action() == WatchAction.STOP) {
      throw Faults.malformed(
          "rollout.staleness",
          ("%d (expected: 0 with watch.action STOP: what is watched was sampled by weights that"
                  + " are older than those to go back to)")
              .formatted(spec.rollout().staleness()));
    }
  }

  private static String path(RunSpec spec, ConstraintSpec constraint) {
    return spec.constraints().size() == 1 ? "constraint" : "constraints." + constraint.name();
  }

  private static void requireOtherGold(RunSpec spec) {
    GoldSpec gold = spec.watch().gold();
    if (gold != null && gold.reward().model().equals(spec.reward().model())) {
      throw Faults.malformed(
          "watch.gold",
          "%s (expected: another than reward: what is trained on is no measure of itself)"
              .formatted(gold.reward().model()));
    }
  }

  private static void requireOtherJudges(RunSpec spec) {
    if (spec.safetyTest().sameCostModel()) {
      return;
    }
    for (ConstraintSpec certified : spec.constraints()) {
      for (ConstraintSpec priced : spec.constraints()) {
        if (priced.enabled() && priced.cost().equals(certified.test().costModel())) {
          throw Faults.malformed(
              spec.constraints().size() == 1
                  ? "safety_test.cost_model"
                  : "constraints." + certified.name() + ".test.cost_model",
              "%s (expected: another than cost, %s: a model that was optimised against cannot certify, unless safety_test.same_cost_model allows it, and certificates say so)"
                  .formatted(certified.test().costModel(), priced.cost()));
        }
      }
    }
  }

  private static void requireOtherMeasures(RunSpec spec) {
    for (int i = 0; i < spec.measured().size(); i++) {
      MeasuredSpec measured = spec.measured().get(i);
      boolean trainedOn =
          switch (measured.judge()) {
            case MeasuredSpec.Judge.Component component ->
                measured.model().equals(spec.reward().model());
            case MeasuredSpec.Judge.CostModel cost ->
                spec.constraints().stream()
                    .anyMatch(each -> each.enabled() && each.cost().equals(measured.model()));
          };
      if (trainedOn) {
        throw Faults.malformed(
            "costs.measured[%d]".formatted(i),
            "%s (expected: another than reward and cost: what is trained on is no measure of itself)"
                .formatted(measured.model()));
      }
    }
  }

  /**
   * The first test tells the safety-server by how many parts as large as its own the others are
   * admitted: so all of δ must be so many of them.
   */
  private static void requireShareable(List<ConstraintSpec> constraints) {
    double first = constraints.getFirst().test().delta();
    double sum = constraints.stream().mapToDouble(each -> each.test().delta()).sum();
    double parts = sum / first;
    boolean equal =
        constraints.stream()
            .allMatch(each -> Math.abs(each.test().delta() - first) <= ROUNDING * first);
    boolean whole = Math.abs(parts - Math.rint(parts)) <= ROUNDING * parts;
    if (!equal && (!whole || parts > MOST_PARTS)) {
      throw Faults.malformed(
          "constraints",
          "delta %s of %s, %s of all (expected: equal ones, or all a whole multiple of the first, at most 1,000 times)"
              .formatted(first, constraints.getFirst().name(), sum));
    }
  }
}
