package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.stats.PolicyVitals;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an iteration hands to the next one, beside the weights: all of it is stored with each
 * iteration. Prompts and seeds are functions of the spec and the iteration.
 *
 * @param constraints the multiplier and the cost buffer of each constraint
 * @param firstVitals of the first iteration; null before it
 * @param watch of the watch over the rewards; null before the first iteration
 * @param costModels the cost models that answered, in the order of their first answer
 * @param defaultsVersion of the defaults that the run learns by, {@link RunSpec#DEFAULTS_VERSION}
 */
public record LoopState(
    List<ConstraintState> constraints,
    @Nullable PolicyVitals firstVitals,
    @Nullable WatchState watch,
    List<PinnedVersion> costModels,
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
        null,
        null,
        List.of(),
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
    return new LoopState(next, firstVitals, watch, costModels, defaultsVersion);
  }

  LoopState withFirstVitals(PolicyVitals vitals) {
    return new LoopState(constraints, vitals, watch, costModels, defaultsVersion);
  }

  LoopState withWatch(WatchState newWatch) {
    return new LoopState(constraints, firstVitals, newWatch, costModels, defaultsVersion);
  }

  LoopState withCostModels(List<PinnedVersion> models) {
    Set<PinnedVersion> more = new LinkedHashSet<>(costModels);
    more.addAll(models);
    return new LoopState(constraints, firstVitals, watch, List.copyOf(more), defaultsVersion);
  }
}
