package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenScores.Alternative;
import java.util.List;

/**
 * What a decoder says of a group's completions, temperature 1.
 *
 * @param logProbs shape [G][T of each], nats
 * @param entropies of the distribution that each token was predicted with, shape [G][T of each],
 *     nats
 * @param values the critic's, of the prompt and the tokens before each token, shape [G][T of each];
 *     no list at all where there is no critic
 * @param alternatives the likeliest tokens in each place, the likeliest first, shape [G][T of
 *     each][K]
 */
public record GroupScores(
    List<PerToken> logProbs,
    List<PerToken> entropies,
    List<PerToken> values,
    List<List<List<Alternative>>> alternatives) {
  public GroupScores {
    logProbs = List.copyOf(logProbs);
    entropies = List.copyOf(entropies);
    values = List.copyOf(values);
    alternatives = List.copyOf(alternatives);
  }
}
