package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.stats.PolicyVitals;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an iteration hands to the next one, beside the weights: all of it is stored with each
 * iteration. What is drawn and sampled is a function of the spec, its prompts and these.
 *
 * @param constraints the multiplier and the cost buffer of each constraint
 * @param firstVitals of the first iteration; null before it
 * @param recipe what the algorithm remembers
 * @param watch of the watch over the rewards; null before the first iteration
 * @param evaluation of the evaluations on held-out prompts
 * @param costModels the cost models that answered, in the order of their first answer
 * @param cursor how far it has come in its prompts; none before the first iteration
 * @param defaultsVersion of the defaults that the run learns by, {@link RunSpec#DEFAULTS_VERSION}
 */
public record LoopState(
    List<ConstraintState> constraints,
    RecipeState recipe,
    @Nullable PolicyVitals firstVitals,
    @Nullable WatchState watch,
    EvaluationState evaluation,
    List<PinnedVersion> costModels,
    DataCursor cursor,
    int defaultsVersion) {
  /** Copies the lists. */
  public LoopState {
    constraints = List.copyOf(constraints);
    costModels = List.copyOf(costModels);
  }

  /** Before the first iteration. */
  public static LoopState initial(List<ConstraintSpec> constraints) {
    return new LoopState(
        constraints.stream().map(LoopState::initial).toList(),
        RecipeState.initial(),
        null,
        null,
        EvaluationState.NONE,
        List.of(),
        DataCursor.none(),
        RunSpec.DEFAULTS_VERSION);
  }

  private static ConstraintState initial(ConstraintSpec constraint) {
    return new ConstraintState(constraint.name(), constraint.initialLambda(), List.of());
  }

  /** The state of {@code constraint}. */
  ConstraintState constraint(ConstraintSpec constraint) {
    return constraints.stream()
        .filter(each -> each.name().equals(constraint.name()))
        .findFirst()
        .orElseGet(() -> initial(constraint));
  }

  LoopState withConstraints(List<ConstraintState> next) {
    return new LoopState(
        next, recipe, firstVitals, watch, evaluation, costModels, cursor, defaultsVersion);
  }

  LoopState withRecipe(RecipeState next) {
    return new LoopState(
        constraints, next, firstVitals, watch, evaluation, costModels, cursor, defaultsVersion);
  }

  LoopState withFirstVitals(PolicyVitals next) {
    return new LoopState(
        constraints, recipe, next, watch, evaluation, costModels, cursor, defaultsVersion);
  }

  LoopState withWatch(WatchState next) {
    return new LoopState(
        constraints, recipe, firstVitals, next, evaluation, costModels, cursor, defaultsVersion);
  }

  LoopState withEvaluation(EvaluationState next) {
    return new LoopState(
        constraints, recipe, firstVitals, watch, next, costModels, cursor, defaultsVersion);
  }

  LoopState withCursor(DataCursor next) {
    return new LoopState(
        constraints, recipe, firstVitals, watch, evaluation, costModels, next, defaultsVersion);
  }

  LoopState withCostModels(List<PinnedVersion> models) {
    Set<PinnedVersion> more = new LinkedHashSet<>(costModels);
    more.addAll(models);
    return new LoopState(
        constraints,
        recipe,
        firstVitals,
        watch,
        evaluation,
        List.copyOf(more),
        cursor,
        defaultsVersion);
  }
}
