package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.learner.AdapterSettings;
import org.jspecify.annotations.Nullable;

/**
 * What of the policy a run trains, and what it keeps beside it.
 *
 * @param adapters in place of the weights, drawn by the run's seed; null: the weights themselves
 * @param averageDecay of an exponential moving average of what is trained, which becomes the
 *     candidate in its place, an update, above 0, below 1; null: none
 */
public record TraineeSpec(@Nullable AdapterSettings adapters, @Nullable Double averageDecay) {
  /** The weights, and nothing beside them. */
  public static final TraineeSpec WEIGHTS = new TraineeSpec(null, null);
}
