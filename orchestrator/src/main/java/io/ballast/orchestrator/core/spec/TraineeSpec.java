package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import org.jspecify.annotations.Nullable;

/**
 * What of the policy a run trains, how, and what it keeps beside it.
 *
 * @param optimizer AdamW's constants; its learning rate is the schedule's peak
 * @param adapters in place of the weights, drawn by the run's seed; null: the weights themselves
 * @param averageDecay of an exponential moving average of what is trained, which becomes the
 *     candidate in its place, an update, above 0, below 1; null: none
 */
public record TraineeSpec(
    OptimizerSettings optimizer,
    @Nullable AdapterSettings adapters,
    @Nullable Double averageDecay) {
  /** The weights, by the usual constants, and nothing beside them. */
  public static TraineeSpec weights(double learningRate) {
    return new TraineeSpec(OptimizerSettings.ofRate(learningRate), null, null);
  }
}
