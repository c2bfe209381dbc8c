package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import java.util.List;

/**
 * What a decoder says of a group's completions, temperature 1.
 *
 * @param logProbs shape [G][T of each], nats
 * @param entropies of the distribution that each token was predicted with, shape [G][T of each],
 *     nats
 */
public record GroupScores(List<PerToken> logProbs, List<PerToken> entropies) {
  public GroupScores {
    logProbs = List.copyOf(logProbs);
    entropies = List.copyOf(entropies);
  }
}
