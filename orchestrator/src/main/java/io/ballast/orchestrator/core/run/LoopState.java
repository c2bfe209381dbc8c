package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.stats.PolicyVitals;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an iteration hands to the next one, beside the weights: all of it is stored with each
 * iteration. Prompts and seeds are functions of the spec and the iteration.
 *
 * @param lambda the multiplier
 * @param costs the cost buffer, oldest first
 * @param firstVitals of the first iteration; null before it
 * @param watch of the watch over the rewards; null before the first iteration
 * @param costModels the cost models that answered, in the order of their first answer
 */
public record LoopState(
    double lambda,
    Numbers costs,
    @Nullable PolicyVitals firstVitals,
    @Nullable WatchState watch,
    List<PinnedVersion> costModels) {
  /** Copies the list. */
  public LoopState {
    costModels = List.copyOf(costModels);
  }

  /** Before the first iteration. */
  public static LoopState initial(double lambda) {
    return new LoopState(lambda, Numbers.of(), null, null, List.of());
  }

  LoopState withConstraint(double newLambda, Numbers newCosts) {
    return new LoopState(newLambda, newCosts, firstVitals, watch, costModels);
  }

  LoopState withFirstVitals(PolicyVitals vitals) {
    return new LoopState(lambda, costs, vitals, watch, costModels);
  }

  LoopState withWatch(WatchState newWatch) {
    return new LoopState(lambda, costs, firstVitals, newWatch, costModels);
  }

  LoopState withCostModel(PinnedVersion model) {
    if (costModels.contains(model)) {
      return this;
    }
    List<PinnedVersion> more = new ArrayList<>(costModels);
    more.add(model);
    return new LoopState(lambda, costs, firstVitals, watch, more);
  }
}
