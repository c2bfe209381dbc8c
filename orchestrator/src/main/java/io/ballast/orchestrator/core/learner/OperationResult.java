package io.ballast.orchestrator.core.learner;

import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.Map;

/** What an operation came to. */
public sealed interface OperationResult {
  /**
   * Gradients were added.
   *
   * @param loss the loss; with the caller's gradients Σ gᵗ·logpᵗ
   * @param metrics named numbers, all finite
   * @param scores what the weights said of each group before the update
   */
  record ForwardBackward(double loss, Map<String, Double> metrics, List<GroupScores> scores)
      implements OperationResult {
    /** Copies map and list. */
    public ForwardBackward {
      metrics = Map.copyOf(metrics);
      scores = List.copyOf(scores);
    }
  }

  /**
   * The weights were updated.
   *
   * @param gradientNorm before clipping
   * @param updatesCount updates done, this one included
   */
  record Step(double gradientNorm, long updatesCount) implements OperationResult {}

  /** The weights were published as a version. */
  record Published(PinnedVersion version) implements OperationResult {}

  /** The weights were kept with the optimiser's state. */
  record Kept(String checkpoint) implements OperationResult {}

  /** A checkpoint was loaded, at which {@code updatesCount} updates were done. */
  record Loaded(long updatesCount) implements OperationResult {}
}
