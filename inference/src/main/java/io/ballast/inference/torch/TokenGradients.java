package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * The derivatives of a loss, which is to be made smaller, by what a decoder says of a group.
 *
 * @param byLogProbs ∂loss/∂logpᵗ, shape [G][T of each]
 * @param byEntropies ∂loss/∂Hᵗ, shape [G][T of each]; no list at all if the loss has no entropy in
 *     it, which is quicker than zeros
 * @param byValues ∂loss/∂Vᵗ, the loss's own coefficient included, shape [G][T of each]; no list at
 *     all if the loss has no value in it, and where there is no critic
 */
public record TokenGradients(
    List<PerToken> byLogProbs, List<PerToken> byEntropies, List<PerToken> byValues) {
  public TokenGradients {
    byLogProbs = List.copyOf(byLogProbs);
    byEntropies = List.copyOf(byEntropies);
    byValues = List.copyOf(byValues);
  }

  /** The derivatives of a loss without values in it. */
  public TokenGradients(List<PerToken> byLogProbs, List<PerToken> byEntropies) {
    this(byLogProbs, byEntropies, List.of());
  }

  /** Returns the derivatives of a loss without entropy in it. */
  public static TokenGradients ofLogProbs(List<PerToken> byLogProbs) {
    return new TokenGradients(byLogProbs, List.of());
  }
}
