package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * What some weights say of a group's completions, temperature 1.
 *
 * @param logProbs shape [G][T of each], nats
 * @param entropies of the distribution that each token was drawn from, shape [G][T of each], nats
 */
public record GroupScores(List<PerToken> logProbs, List<PerToken> entropies) {
  /** Copies the lists. */
  public GroupScores {
    logProbs = List.copyOf(logProbs);
    entropies = List.copyOf(entropies);
  }
}
