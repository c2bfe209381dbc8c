package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * The derivatives of a loss by what the weights say of a group.
 *
 * @param byLogProbs ∂loss/∂logpᵗ, shape [G][T of each]
 * @param byEntropies ∂loss/∂Hᵗ, shape [G][T of each]; no list at all if the loss has no entropy in
 *     it
 */
public record GroupGradients(List<PerToken> byLogProbs, List<PerToken> byEntropies) {
  /** Copies the lists. */
  public GroupGradients {
    byLogProbs = List.copyOf(byLogProbs);
    byEntropies = List.copyOf(byEntropies);
  }
}
