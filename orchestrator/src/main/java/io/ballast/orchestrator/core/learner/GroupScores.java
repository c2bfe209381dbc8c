package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * What some weights say of a group's completions, temperature 1.
 *
 * @param logProbs shape [G][T of each], nats
 * @param entropies of the distribution that each token was drawn from, shape [G][T of each], nats
 * @param values the critic's, of the prompt and the tokens before each token, in the unit of the
 *     returns that it learns, shape [G][T of each]; no list at all where there is no critic
 */
public record GroupScores(
    List<PerToken> logProbs, List<PerToken> entropies, List<PerToken> values) {
  /** Copies the lists. */
  public GroupScores {
    logProbs = List.copyOf(logProbs);
    entropies = List.copyOf(entropies);
    values = List.copyOf(values);
  }

  /** Those of weights without a critic. */
  public GroupScores(List<PerToken> logProbs, List<PerToken> entropies) {
    this(logProbs, entropies, List.of());
  }
}
