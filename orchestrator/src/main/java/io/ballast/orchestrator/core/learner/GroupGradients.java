package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * The derivatives of a loss by what the weights say of a group.
 *
 * @param byLogProbs ∂loss/∂logpᵗ, shape [G][T of each]
 * @param byEntropies ∂loss/∂Hᵗ, shape [G][T of each]; no list at all if the loss has no entropy in
 *     it
 * @param byValues ∂loss/∂Vᵗ, the value loss's coefficient included, shape [G][T of each]; no list
 *     at all if the loss has no value in it, and where there is no critic. They reach the trunk
 */
public record GroupGradients(
    List<PerToken> byLogProbs, List<PerToken> byEntropies, List<PerToken> byValues) {
  /** Copies the lists. */
  public GroupGradients {
    byLogProbs = List.copyOf(byLogProbs);
    byEntropies = List.copyOf(byEntropies);
    byValues = List.copyOf(byValues);
  }

  /** Those of a loss without values in it. */
  public GroupGradients(List<PerToken> byLogProbs, List<PerToken> byEntropies) {
    this(byLogProbs, byEntropies, List.of());
  }
}
